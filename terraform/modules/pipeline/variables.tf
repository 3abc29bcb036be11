# What an environment is.

variable "environment" {
  type        = string
  description = "Name of the environment, part of every other name: dev1."

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "environment is ${var.environment}; it must be 2 to 12 lower-case letters and digits: function names may not pass 64 characters."
  }
}

variable "account_id" {
  type        = string
  description = "The AWS account that all of it lies in."

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the 12 digits of an AWS account."
  }
}

variable "region" {
  type        = string
  default     = "us-east-1"
  description = "The region that all of it lies in."
}

variable "modes" {
  type        = set(string)
  default     = ["parquet"]
  description = <<-EOT
    What the environment writes: "parquet", a delivery stream and a function for each record type; "avro", one of each
    for all types; or both side by side. To move from one to the other, add the new, wait until the old has no lag,
    remove the old: a delivery stream reads only what comes after its creation (docs/deploy.md, "Changing the mode").
  EOT

  validation {
    condition     = length(var.modes) > 0 && length(setsubtract(var.modes, ["parquet", "avro"])) == 0
    error_message = "modes must hold parquet, avro or both."
  }
}

# What exists already. Plain values and never data sources in here: an ARN that becomes unknown in a plan would replace
# every delivery stream, and a new one does not read what the old one had not read yet.

variable "source_stream" {
  type = object({
    name        = string
    arn         = string
    shards      = optional(number)
    kms_key_arn = optional(string)
  })
  description = <<-EOT
    The Kinesis stream that DynamoDB writes its changes to. `shards` as it has now, to compare with what the readers
    need; `kms_key_arn` where it is encrypted with a key of the customer's.
  EOT

  validation {
    condition     = can(regex("^arn:aws:kinesis:[a-z0-9-]+:[0-9]{12}:stream/.+$", var.source_stream.arn))
    error_message = "source_stream.arn is ${var.source_stream.arn}; it must be the ARN of a Kinesis stream."
  }
}

variable "table" {
  type        = object({ name = string, arn = string, kms_key_arn = optional(string) })
  description = "The DynamoDB table whose changes are archived."

  validation {
    condition     = can(regex("^arn:aws:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", var.table.arn))
    error_message = "table.arn is ${var.table.arn}; it must be the ARN of a DynamoDB table."
  }
}

variable "bucket" {
  type = object({
    name        = string
    managed     = bool
    policy      = optional(bool, true)
    kms_key_arn = optional(string)
  })
  description = <<-EOT
    The bucket of the lake. `managed`: its policy, lifecycle rules and default encryption are this module's, and REPLACE
    what stands there (docs/deploy.md says how to look first). Where another team keeps them, say false, give them the
    output `bucket_rules`, and name the key of the bucket's default encryption as `kms_key_arn`. `policy` is false on
    moto alone, which carries out a denial whatever its condition says.
  EOT

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket.name))
    error_message = "bucket.name is ${var.bucket.name}; a bucket's name is 3 to 63 of a-z, 0-9, dot and hyphen."
  }
  validation {
    condition     = !var.bucket.managed || var.bucket.kms_key_arn == null
    error_message = "bucket.kms_key_arn is for a bucket that is not managed here; a managed one gets this module's key."
  }
}

# What is deployed.

variable "package" {
  type        = string
  description = "Path of the function's zip, as `make package` makes it."
}

variable "function" {
  type = object({
    parquet_memory_mib   = optional(number, 512)
    avro_memory_mib      = optional(number, 1024)
    parquet_timeout      = optional(number, 60)
    avro_timeout         = optional(number, 300)
    reserved_concurrency = optional(number, -1)
    traced               = optional(bool, false)
  })
  default     = {}
  description = <<-EOT
    The functions' size. The defaults were measured, docs/cost.md says how. Timeouts in seconds: Firehose waits 300 at
    most (guide, "Transform source data"). Memory in MiB: Lambda takes 128 to 10,240 and gives a whole processor at
    1,769 (Lambda guide, "Configure memory"). `reserved_concurrency` for each function; -1 reserves none.
  EOT

  validation {
    condition     = alltrue([for mib in [var.function.parquet_memory_mib, var.function.avro_memory_mib] : mib >= 256 && mib <= 10240])
    error_message = "function memory must be 256 MiB (a batch of 3 MiB and boto3 take some 90 on their own) to Lambda's 10,240."
  }
  validation {
    condition     = alltrue([for seconds in [var.function.parquet_timeout, var.function.avro_timeout] : seconds >= 30 && seconds <= 300])
    error_message = "function timeouts must be 30 to 300 s: Firehose waits no longer than 300, and the function keeps 15 of them for error documents."
  }
  validation {
    condition     = var.function.reserved_concurrency == -1 || var.function.reserved_concurrency >= 5
    error_message = "function.reserved_concurrency must be -1 (none) or at least 5: Firehose has up to 5 invocations a shard under way."
  }
}

variable "buffer_seconds" {
  type        = number
  default     = 60
  description = "How long Firehose gathers rows before it writes an object. Fewer, larger objects against fresher data."

  validation {
    condition     = var.buffer_seconds >= 60 && var.buffer_seconds <= 300
    error_message = "buffer_seconds is ${var.buffer_seconds}; Firehose takes no less than 60 with dynamic partitioning, and REQ-7 (queryable within five minutes) no more than 300."
  }
}

variable "lambda_buffer" {
  type = object({
    parquet = optional(object({ mib = number, seconds = number }), { mib = 1, seconds = 60 })
    avro    = optional(object({ mib = number, seconds = number }), { mib = 2, seconds = 50 })
  })
  default     = {}
  description = <<-EOT
    How much Firehose gathers before it calls a function (guide, "Transform source data": 0.2 to 3 MB, 0 to 900 s).
    Parquet: the answer holds the rows, in base64, and may not pass 6 MB. Avro: the answer is short, and a batch is what
    a container is made of, but at 3 the request itself could pass 6 MB.
  EOT

  validation {
    condition     = alltrue([for hint in values(var.lambda_buffer) : hint.mib >= 0.2 && hint.mib <= 3])
    error_message = "lambda_buffer.*.mib must be 0.2 to 3, as Firehose takes."
  }
  validation {
    condition     = alltrue([for hint in values(var.lambda_buffer) : hint.seconds >= 0 && hint.seconds <= 60])
    error_message = "lambda_buffer.*.seconds must be 0 to 60: a change is processed within 60 s (REQ-1)."
  }
  # Firehose refuses one without the other, and the provider forgets what equals a default: a plan that never ends.
  validation {
    condition     = alltrue([for hint in values(var.lambda_buffer) : (hint.mib == 1) == (hint.seconds == 60)])
    error_message = "lambda_buffer.* must change both of Firehose's defaults (1 MiB and 60 s) or none of them."
  }
}

variable "protect_streams" {
  type        = bool
  default     = false
  description = <<-EOT
    True in production: a plan that would replace or remove a delivery stream fails. The changes between the end of the
    old and the start of the new would be lost.
  EOT
}

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
    condition     = alltrue([for arn in var.error_readers : can(regex("^arn:aws:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "error_readers must be ARNs of IAM roles or users with their account: arn:aws:iam::<12 digits>:role/name."
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
}

variable "log_forwarding" {
  type        = object({ stream_arn = string })
  default     = null
  description = "The central Kinesis stream that the functions' logs are forwarded to. None where null."
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
