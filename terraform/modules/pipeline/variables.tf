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

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is ${var.region}; it must be the code of an AWS region, such as us-east-1."
  }
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
    condition     = length(var.modes) > 0 && length(setsubtract(var.modes, keys(local.modes))) == 0
    error_message = "modes must hold one or more of: ${join(", ", keys(local.modes))}."
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
  validation {
    condition     = var.source_stream.shards == null ? true : var.source_stream.shards >= 1
    error_message = "source_stream.shards must be at least 1, or null where it is not known."
  }
  validation {
    condition     = var.source_stream.kms_key_arn == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.source_stream.kms_key_arn))
    error_message = "source_stream.kms_key_arn must be the ARN of a KMS key; roles' policies do not know a key by its alias."
  }
}

variable "table" {
  type        = object({ name = string, arn = string, kms_key_arn = optional(string) })
  description = "The DynamoDB table whose changes are archived."

  validation {
    condition     = can(regex("^arn:aws:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", var.table.arn))
    error_message = "table.arn is ${var.table.arn}; it must be the ARN of a DynamoDB table."
  }
  validation {
    condition     = var.table.kms_key_arn == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.table.kms_key_arn))
    error_message = "table.kms_key_arn must be the ARN of a KMS key; roles' policies do not know a key by its alias."
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
  validation {
    condition     = var.bucket.kms_key_arn == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.bucket.kms_key_arn))
    error_message = "bucket.kms_key_arn must be the ARN of a KMS key; roles' policies do not know a key by its alias."
  }
}

# What is deployed.

variable "package" {
  type        = string
  description = "Path of the function's zip, as `make package` makes it."

  validation {
    condition     = fileexists(var.package)
    error_message = "package is ${var.package}, and there is no such file; `make package` makes it."
  }
}

variable "function" {
  type = object({
    memory_mib           = optional(map(number), {})
    timeout_seconds      = optional(map(number), {})
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
    condition     = length(setsubtract(keys(merge(var.function.memory_mib, var.function.timeout_seconds)), keys(local.modes))) == 0
    error_message = "function.memory_mib and function.timeout_seconds are maps by mode; the modes are ${join(", ", keys(local.modes))}."
  }
  validation {
    condition     = alltrue([for mib in values(var.function.memory_mib) : mib >= 256 && mib <= 10240])
    error_message = "function memory must be 256 MiB (a batch of 3 MiB and boto3 take some 90 on their own) to Lambda's 10,240."
  }
  validation {
    condition     = alltrue([for seconds in values(var.function.timeout_seconds) : seconds >= 30 && seconds <= 300])
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
  type        = map(object({ mib = number, seconds = number }))
  default     = {}
  description = <<-EOT
    How much Firehose gathers before it calls a function (guide, "Transform source data": 0.2 to 3 MB, 0 to 900 s).
    Parquet: the answer holds the rows, in base64, and may not pass 6 MB. Avro: the answer is short, and a batch is what
    a container is made of, but at 3 the request itself could pass 6 MB.
  EOT

  validation {
    condition     = length(setsubtract(keys(var.lambda_buffer), keys(local.modes))) == 0
    error_message = "lambda_buffer is a map by mode; the modes are ${join(", ", keys(local.modes))}."
  }
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
