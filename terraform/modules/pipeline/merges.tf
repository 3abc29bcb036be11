# The MERGEs that bring the current tables up to date (docs/modes.md, "Current state"), behind `iceberg.merge`: Athena runs
# them, for all record types, when a schedule starts the state machine.
#
# One run at a time: of two that write one table at once, the second to commit fails. AWS limits no state machine to one
# execution, so each looks whether it is the oldest that runs. If not, it ends where it merges a window, since the next one
# reads the same changes again, and it waits for its turn where it merges all of history.

locals {
  merges = {
    for mode in local.table_modes : mode => {
      name     = "${local.name}-${mode}-merge"
      arn      = "arn:aws:states:${var.region}:${var.account_id}:stateMachine:${local.name}-${mode}-merge"
      role     = "${local.name}-${mode}-merge"
      results  = "athena/results/merges" # they expire with the other results
      database = local.databases[mode]
      folder   = local.modes[mode].delivers_to
    } if var.iceberg.merge != null && contains(var.modes, mode)
  }
  current_tables = [for type in local.record_types : "${type}_current"]

  # By record type: {"window": "MERGE ...", "full": "MERGE ..."}.
  statements = var.iceberg.merge == null ? {} : jsondecode(replace(
    file("${local.glue}/athena/merges.json"), "$${seconds}", var.iceberg.merge.window_minutes * 60
  ))

  merge_schedules = merge([
    for mode, one in local.merges : {
      "${mode}/window" = { merge = one, kind = "window", expression = "rate(${var.iceberg.merge.every_minutes} ${var.iceberg.merge.every_minutes == 1 ? "minute" : "minutes"})" }
      "${mode}/full"   = { merge = one, kind = "full", expression = var.iceberg.merge.full }
    }
  ]...)
}

resource "aws_sfn_state_machine" "merge" {
  #checkov:skip=CKV_AWS_284:traces would show nothing that the history of an execution does not
  #checkov:skip=CKV_AWS_285:Step Functions keeps the history of each execution, and Athena that of each query
  for_each = local.merges

  name     = each.value.name
  role_arn = aws_iam_role.merge[each.key].arn

  definition = jsonencode({
    Comment        = "Brings the current tables up to date, one execution at a time."
    QueryLanguage  = "JSONata"
    TimeoutSeconds = var.iceberg.merge.timeout_minutes * 60
    StartAt        = "Wait"
    States = {
      # The list of executions may be a few seconds behind.
      Wait = { Type = "Wait", Seconds = 15, Next = "List" }
      List = {
        Type      = "Task"
        Resource  = "arn:aws:states:::aws-sdk:sfn:listExecutions"
        Arguments = { StateMachineArn = each.value.arn, StatusFilter = "RUNNING" }
        # The newest comes first.
        Output = "{% $merge([$states.input, {'oldest': $states.result.Executions[-1].ExecutionArn}]) %}"
        Next   = "Turn"
      }
      Turn = {
        Type = "Choice"
        Choices = [
          { Condition = "{% $states.input.oldest = $states.context.Execution.Id %}", Next = "Merge" },
          { Condition = "{% $states.input.full %}", Next = "Wait" },
        ]
        Default = "Skip"
      }
      Skip = { Type = "Succeed" }
      # A statement that fails leaves the others alone.
      Merge = {
        Type  = "Map"
        Items = "{% $states.input.statements %}"
        ItemProcessor = {
          StartAt = "Run"
          States = {
            Run = {
              Type     = "Task"
              Resource = "arn:aws:states:::athena:startQueryExecution.sync"
              Arguments = {
                QueryString           = "{% $states.input %}"
                WorkGroup             = aws_athena_workgroup.this["merge"].name
                QueryExecutionContext = { Database = each.value.database }
              }
              Output = "merged"
              # Another commit may come first: an optimizer's, a person's. To merge again changes nothing.
              Retry = [{ ErrorEquals = ["States.TaskFailed"], IntervalSeconds = 30, MaxAttempts = 2 }]
              Catch = [{ ErrorEquals = ["States.ALL"], Output = "failed", Next = "Failed" }]
              End   = true
            }
            Failed = { Type = "Pass", End = true }
          }
        }
        Next = "Verdict"
      }
      Verdict = {
        Type    = "Choice"
        Choices = [{ Condition = "{% 'failed' in $states.input %}", Next = "SomeFailed" }]
        Default = "Done"
      }
      SomeFailed = { Type = "Fail", Error = "MergeFailed", Cause = "A MERGE failed: its query in Athena says why." }
      Done       = { Type = "Succeed" }
    }
  })

  depends_on = [aws_iam_role_policy.merge]
}

resource "aws_scheduler_schedule" "merge" {
  #checkov:skip=CKV_AWS_297:a schedule holds statements, made of the names of columns, and no data
  for_each = local.merge_schedules

  name                = "${each.value.merge.name}-${each.value.kind}"
  description         = "Merges ${each.value.kind == "full" ? "all of history" : "the last ${var.iceberg.merge.window_minutes} minutes"} into the current tables."
  schedule_expression = each.value.expression

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.merge[split("/", each.key)[0]].arn
    role_arn = aws_iam_role.merge_schedule[split("/", each.key)[0]].arn
    # As `dmd iceberg merge --sql --json` prints it.
    input = jsonencode({
      full       = each.value.kind == "full"
      statements = [for type in local.record_types : local.statements[type][each.value.kind]]
    })

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 5
    }
  }
}

locals {
  merge_alarms = merge([
    for mode, one in local.merges : {
      "${mode}-merge-failed" = {
        namespace  = "AWS/States", metric = "ExecutionsFailed", statistic = "Sum", above = 0, below = null, periods = 1
        dimensions = { StateMachineArn = one.arn }
        means      = "A MERGE into a current table failed three times: its query in Athena says why. The table is as it was."
      }
      "${mode}-merge-slow" = {
        namespace  = "AWS/States", metric = "ExecutionsTimedOut", statistic = "Sum", above = 0, below = null, periods = 1
        dimensions = { StateMachineArn = one.arn }
        means      = "A run took longer than iceberg.merge.timeout_minutes, or waited so long for its turn."
      }
    }
  ]...)
}

# No run that succeeds for two hours: they fail, wait or do not start. No points are the alarm.
resource "aws_cloudwatch_metric_alarm" "merge_missing" {
  for_each = local.merges

  alarm_name          = "${local.name}-${each.key}-merge-missing"
  alarm_description   = "No run of ${each.value.name} has succeeded for two hours: look at its executions and its schedules."
  namespace           = "AWS/States"
  metric_name         = "ExecutionsSucceeded"
  dimensions          = { StateMachineArn = each.value.arn }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 3600
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [local.topic_arn]
  ok_actions          = [local.topic_arn]
}
