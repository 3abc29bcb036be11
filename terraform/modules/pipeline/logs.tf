# Forwards the functions' logs to a central Kinesis stream, where one is given. They never hold a record or its values.

resource "aws_cloudwatch_log_subscription_filter" "central" {
  for_each = var.log_forwarding == null ? {} : local.functions

  name            = "central"
  log_group_name  = aws_cloudwatch_log_group.function[each.key].name
  filter_pattern  = "" # every line
  destination_arn = var.log_forwarding.stream_arn
  role_arn        = aws_iam_role.logs[0].arn
}

resource "aws_iam_role" "logs" {
  count = var.log_forwarding == null ? 0 : 1

  name        = "${local.name}-logs"
  description = "CloudWatch Logs writes the functions' logs to the central stream."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "logs.${var.region}.amazonaws.com" }
      # The log groups of this environment's functions.
      Condition = { StringLike = { "aws:SourceArn" = "${local.logs_arn}:/aws/lambda/${local.name}-*" } }
    }]
  })
}

resource "aws_iam_role_policy" "logs" {
  count = var.log_forwarding == null ? 0 : 1

  name = "forward"
  role = aws_iam_role.logs[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{ Sid = "Forward", Effect = "Allow", Action = "kinesis:PutRecord", Resource = var.log_forwarding.stream_arn }],
      var.log_forwarding.kms_key_arn == null ? [] : [{
        Sid      = "EncryptLogs"
        Effect   = "Allow"
        Action   = "kms:GenerateDataKey"
        Resource = var.log_forwarding.kms_key_arn
        Condition = {
          StringEquals = {
            "kms:ViaService"                        = "kinesis.${var.region}.amazonaws.com"
            "kms:EncryptionContext:aws:kinesis:arn" = var.log_forwarding.stream_arn
          }
        }
      }],
    )
  })
}
