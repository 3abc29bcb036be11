# What operations decides: how much comes in, who reads what, what is kept, and who is woken.

# How much comes in, for the shard arithmetic.

variable "ingest" {
  type        = object({ records_per_second = number, kib_per_second = number, other_readers = optional(number, 0) })
  description = "The peak of the source stream, and how many consumers other than ours poll it."

  validation {
    condition     = var.ingest.records_per_second > 0 && var.ingest.kib_per_second > 0 && var.ingest.other_readers >= 0
    error_message = "ingest must hold positive rates, and no negative number of other readers."
  }
}

# Who reads what, and for how long it is kept.

variable "error_readers" {
  type        = list(string)
  default     = []
  description = <<-EOT
    ARNs of roles that may read data-pipeline/errors/, which holds originals with personal data; `*` and `?` as in IAM's
    ArnLike. Everybody else is denied, whatever their own policies say.
  EOT

  validation {
    condition     = alltrue([for arn in var.error_readers : can(regex("^arn:aws:iam::[0-9]{12}:(role|user)/[^*?].*$", arn))])
    error_message = "error_readers must be ARNs of IAM roles or users, with their account and how they begin: arn:aws:iam::<12 digits>:role/name*."
  }
}

variable "retention_days" {
  type = object({
    errors  = optional(number, 90)
    results = optional(number, 30)
    logs    = optional(number, 365)
  })
  default     = {}
  description = "Days that error objects, query results and logs are kept. The archive itself is kept for ever (REQ-5)."

  validation {
    condition     = var.retention_days.errors >= 14 && var.retention_days.errors <= 365
    error_message = "retention_days.errors must be 14 (time to replay what failed) to 365 (it holds personal data)."
  }
  validation {
    condition     = var.retention_days.results >= 1 && var.retention_days.results <= 365
    error_message = "retention_days.results must be 1 to 365: results may hold personal data."
  }
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention_days.logs)
    error_message = "retention_days.logs must be a number of days that CloudWatch Logs takes, such as 30, 90 or 365."
  }
}

variable "athena" {
  type        = object({ scan_limit_gib = optional(number, 200), saved_queries = optional(bool, true) })
  default     = {}
  description = <<-EOT
    The analysts' workgroup: how much one query may scan (Athena takes 10 MB and more), and whether the saved queries
    are made (moto cannot delete them).
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
    The key for data, logs, alarms and query results. One is made where none is given. The policy of a given one must let
    CloudWatch Logs and CloudWatch's alarms use it, as kms.tf does.
  EOT

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key; roles' policies do not know a key by its alias."
  }
}

# Operations.

variable "alarms" {
  type = object({
    topic_arn             = optional(string)
    emails                = optional(list(string), [])
    lag_minutes           = optional(number, 15)
    change_age_seconds    = optional(number, 60)
    partition_limit       = optional(number, 500)
    source_retention_days = optional(number, 1)
  })
  default     = {}
  description = <<-EOT
    Where alarms go: a topic of yours, or one made here with these e-mail addresses. `lag_minutes` is the age from which
    unread or undelivered data alarms; `change_age_seconds` that of a change when it arrives (REQ-1);
    `partition_limit` the account's quota of active partitions (500 unless raised).
  EOT

  validation {
    condition     = var.alarms.lag_minutes >= 10 && var.alarms.lag_minutes <= var.alarms.source_retention_days * 24 * 60 / 4
    error_message = "alarms.lag_minutes must be 10 (Firehose's own delay is up to 1.5 buffers of 5 minutes) to a quarter of the source's retention: what is not read by its end is lost."
  }
  validation {
    condition     = var.alarms.partition_limit >= 500 && var.alarms.partition_limit <= 5000
    error_message = "alarms.partition_limit must be 500, Firehose's default, to 5,000, what AWS grants (guide, \"Quota\")."
  }
  validation {
    condition     = var.alarms.source_retention_days >= 1 && var.alarms.source_retention_days <= 365
    error_message = "alarms.source_retention_days must be 1 to 365, as Kinesis keeps data (guide, \"Changing the data retention period\")."
  }
  validation {
    condition     = var.alarms.change_age_seconds >= 10 && var.alarms.change_age_seconds <= 3600
    error_message = "alarms.change_age_seconds must be 10 to 3,600: below, DynamoDB's own delay alarms; above, an hour's delay does not."
  }
  validation {
    condition     = var.alarms.topic_arn == null ? true : can(regex("^arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.alarms.topic_arn))
    error_message = "alarms.topic_arn must be the ARN of an SNS topic that is not FIFO: CloudWatch's alarms go to no other."
  }
  validation {
    condition     = alltrue([for address in var.alarms.emails : can(regex("^[^@ ]+@[^@ ]+$", address))])
    error_message = "alarms.emails must be e-mail addresses."
  }
  validation {
    condition     = var.alarms.topic_arn == null || length(var.alarms.emails) == 0
    error_message = "alarms.emails are of the topic that is made here; who reads a given one is subscribed there."
  }
}

variable "log_forwarding" {
  type        = object({ stream_arn = string })
  default     = null
  description = "The central Kinesis stream that the functions' logs are forwarded to. None where null."

  validation {
    condition     = var.log_forwarding == null ? true : can(regex("^arn:aws:kinesis:[a-z0-9-]+:[0-9]{12}:stream/.+$", var.log_forwarding.stream_arn))
    error_message = "log_forwarding.stream_arn must be the ARN of a Kinesis stream."
  }
}

variable "ci_principals" {
  type        = list(string)
  default     = []
  description = "ARNs of the IAM roles that may take the CI role, for `make e2e`. Without any the role is not made."

  validation {
    condition     = alltrue([for arn in var.ci_principals : can(regex("^arn:aws:iam::[0-9]{12}:role/[^*]+$", arn))])
    error_message = "ci_principals must be ARNs of IAM roles, without wildcards."
  }
}
