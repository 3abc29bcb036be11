# Settings that operations chooses: the load, access, retention and alarms.

variable "operated" {
  type        = bool
  default     = false
  description = <<-EOT
    Whether people rely on the environment, as in preprod1 and prod1. A plan then fails where alarms have no subscriber, or
    data-pipeline/errors/ no reader who could replay what failed.
  EOT
}

variable "ingest" {
  type        = object({ records_per_second = number, kib_per_second = number, other_readers = optional(number, 0) })
  description = "The source stream's peak load, and the number of consumers other than this pipeline that poll it."

  validation {
    condition     = var.ingest.records_per_second > 0 && var.ingest.kib_per_second > 0 && var.ingest.other_readers >= 0
    error_message = "ingest.records_per_second and ingest.kib_per_second must be positive, ingest.other_readers 0 or more."
  }
}

# Access and retention.

variable "error_readers" {
  type        = list(string)
  default     = []
  description = <<-EOT
    ARNs of the roles that may read data-pipeline/errors/, which holds original records with personal data. `*` and `?`
    match as in IAM's ArnLike. Everybody else is denied, whatever their own policies say.
  EOT

  validation {
    condition     = alltrue([for arn in var.error_readers : can(regex("^arn:aws:iam::[0-9]{12}:(role|user)/[^*?].*$", arn))])
    error_message = "error_readers must be ARNs of IAM roles or users, with the account and at least the start of the name: arn:aws:iam::<12 digits>:role/name*."
  }
  validation {
    condition     = !var.operated || length(var.error_readers) > 0
    error_message = "error_readers is empty, but the environment is operated: nobody could read or replay what failed. Name the roles that replay."
  }
}

variable "retention_days" {
  type = object({
    errors     = optional(number, 90)
    results    = optional(number, 30)
    logs       = optional(number, 365)
    noncurrent = optional(number, 30)
  })
  default     = {}
  description = <<-EOT
    Days that error objects, query results and logs are kept, and versions of the archive's and of error objects that were
    overwritten or deleted (`noncurrent`). The archive itself is kept forever (REQ-5).
  EOT

  validation {
    condition     = var.retention_days.errors >= 14 && var.retention_days.errors <= 365
    error_message = "retention_days.errors must be 14 (time to replay failed records) to 365 (they hold personal data)."
  }
  validation {
    condition     = var.retention_days.results >= 1 && var.retention_days.results <= 365
    error_message = "retention_days.results must be 1 to 365: results may hold personal data."
  }
  validation {
    condition     = var.retention_days.noncurrent >= 1 && var.retention_days.noncurrent <= 90
    error_message = "retention_days.noncurrent must be 1 to 90: what is deleted on a person's request must be gone soon."
  }
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention_days.logs)
    error_message = "retention_days.logs must be a number of days that CloudWatch Logs accepts, such as 30, 90 or 365."
  }
}

variable "athena" {
  type        = object({ scan_limit_gib = optional(number, 200), saved_queries = optional(bool, true) })
  default     = {}
  description = <<-EOT
    The analysts' workgroup: how much one query may scan (Athena accepts 10 MB and more), and whether to create the
    saved queries (moto cannot delete them).
  EOT

  validation {
    condition     = var.athena.scan_limit_gib >= 1
    error_message = "athena.scan_limit_gib must be 1 or more."
  }
}

variable "kms_key_arn" {
  type        = string
  default     = null
  description = <<-EOT
    The key for data, logs, alarms and query results; null to create one. The policy of a given key must allow CloudWatch
    Logs and CloudWatch alarms to use it, as the policy in kms.tf does.
  EOT

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key; roles' policies do not know a key by its alias."
  }
}

# Alarms, logs and end-to-end tests.

variable "alarms" {
  type = object({
    topic_arn             = optional(string)
    emails                = optional(list(string), [])
    lag_minutes           = optional(number, 15)
    change_age_seconds    = optional(number, 60)
    partition_limit       = optional(number, 500)
    source_retention_days = optional(number, 1)
    silent_hours          = optional(number)
  })
  default     = {}
  description = <<-EOT
    Alarms go to `topic_arn`, or to a new topic with the subscribers `emails`. An alarm rings when unread or undelivered
    data is `lag_minutes` old, or a change is `change_age_seconds` old on arrival (REQ-1). `partition_limit` is the
    account's quota of active partitions (500 unless raised). `silent_hours`: an alarm rings when the source receives no
    change for so many hours; null where that is normal.
  EOT

  validation {
    condition     = var.alarms.lag_minutes >= 10 && var.alarms.lag_minutes <= var.alarms.source_retention_days * 24 * 60 / 4
    error_message = "alarms.lag_minutes must be 10 (Firehose's own delay is up to 1.5 buffers of 5 minutes) to a quarter of the source's retention, after which unread changes are lost."
  }
  validation {
    condition     = var.alarms.partition_limit >= 500 && var.alarms.partition_limit <= 5000
    error_message = "alarms.partition_limit must be 500 (Firehose's default) to 5,000 (the most that AWS grants; guide, \"Quota\")."
  }
  validation {
    condition     = var.alarms.source_retention_days >= 1 && var.alarms.source_retention_days <= 365
    error_message = "alarms.source_retention_days must be 1 to 365, the days that Kinesis can keep data (guide, \"Changing the data retention period\")."
  }
  validation {
    condition     = var.alarms.change_age_seconds >= 10 && var.alarms.change_age_seconds <= 3600
    error_message = "alarms.change_age_seconds must be 10 (less would alarm on DynamoDB's usual delay) to 3,600."
  }
  validation {
    condition     = var.alarms.topic_arn == null ? true : can(regex("^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.alarms.topic_arn))
    error_message = "alarms.topic_arn must be the ARN of a standard SNS topic; CloudWatch alarms cannot publish to a FIFO topic."
  }
  validation {
    condition     = alltrue([for address in var.alarms.emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "alarms.emails must be e-mail addresses."
  }
  validation {
    condition     = var.alarms.topic_arn == null || length(var.alarms.emails) == 0
    error_message = "alarms.emails must be empty where alarms.topic_arn is set: subscribe them to that topic instead."
  }
  validation {
    condition     = !var.operated || var.alarms.topic_arn != null || length(var.alarms.emails) > 0
    error_message = "alarms has neither topic_arn nor emails, but the environment is operated: nobody would hear an alarm. Set one of them."
  }
  validation {
    condition     = var.alarms.silent_hours == null ? true : var.alarms.silent_hours >= 1 && var.alarms.silent_hours <= 24
    error_message = "alarms.silent_hours must be 1 to 24, or null if the source may be silent for days."
  }
}

variable "log_forwarding" {
  type        = object({ stream_arn = string, kms_key_arn = optional(string) })
  default     = null
  description = <<-EOT
    The central Kinesis stream that the functions' logs are forwarded to; null to forward none. `kms_key_arn` is set where
    that stream is encrypted with a customer managed key.
  EOT

  validation {
    condition     = var.log_forwarding == null ? true : can(regex("^arn:aws:kinesis:[a-z0-9-]+:[0-9]{12}:stream/.+$", var.log_forwarding.stream_arn))
    error_message = "log_forwarding.stream_arn must be the ARN of a Kinesis stream."
  }
  validation {
    condition     = try(var.log_forwarding.kms_key_arn, null) == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.log_forwarding.kms_key_arn))
    error_message = "log_forwarding.kms_key_arn must be the ARN of a KMS key; an alias does not work in a role's policy."
  }
}

variable "ci_principals" {
  type        = list(string)
  default     = []
  description = "ARNs of the IAM roles that may assume the CI role, for `make e2e`. Empty: the role is not created."

  validation {
    condition     = alltrue([for arn in var.ci_principals : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*]+$", arn))])
    error_message = "ci_principals must be ARNs of IAM roles, without wildcards."
  }
}

variable "iceberg" {
  type = object({
    optimizers    = optional(bool, false)
    snapshot_days = optional(number, 5)
    merge = optional(object({
      every_minutes   = optional(number, 5)
      window_minutes  = optional(number, 60)
      full            = optional(string, "cron(20 3 * * ? *)")
      timeout_minutes = optional(number, 240)
    }))
  })
  default     = {}
  description = <<-EOT
    The upkeep of Iceberg tables: whether AWS Glue compacts them, expires their snapshots and removes files that no
    snapshot names; and after how many days a snapshot expires, the end of time travel to it. Turn it on once
    `dmd iceberg tables --glue` has made the tables (docs/deploy.md, "Iceberg mode").

    `merge` brings the current tables up to date: how often, over the changes of how many minutes, and when all of history
    is merged, in UTC and at least daily; null starts no run. A run that takes, or waits for its turn, longer than
    `timeout_minutes` ends.
  EOT

  validation {
    condition     = var.iceberg.snapshot_days >= 1 && var.iceberg.snapshot_days <= 30
    error_message = "iceberg.snapshot_days is ${var.iceberg.snapshot_days}; it must be 1 to 30: what is erased on a person's request is gone only when no snapshot names it."
  }
  validation {
    condition     = var.iceberg.merge == null ? true : var.iceberg.merge.every_minutes >= 1 && var.iceberg.merge.every_minutes <= 60 && var.iceberg.merge.window_minutes >= 2 * var.iceberg.merge.every_minutes
    error_message = "iceberg.merge.window_minutes must be twice every_minutes or more, and that 1 to 60: a run that is skipped leaves its changes to the next."
  }
  validation {
    condition     = can(regex("^cron\\([^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+\\)$", try(var.iceberg.merge.full, "cron(20 3 * * ? *)")))
    error_message = "iceberg.merge.full must be a cron expression of six fields, such as cron(20 3 * * ? *)."
  }
}
