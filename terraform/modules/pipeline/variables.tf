# An environment: its name, account, modes, and the resources that exist before it.

variable "environment" {
  type        = string
  description = "The environment's name, which is part of all other names: dev1."

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,11}$", var.environment))
    error_message = "environment is ${var.environment}; it must be 2 to 12 lower-case letters and digits, because function names must not exceed 64 characters."
  }
}

variable "account_id" {
  type        = string
  description = "The AWS account of every resource."

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the 12 digits of an AWS account."
  }
}

variable "region" {
  type        = string
  default     = "us-east-1"
  description = "The AWS region of every resource."

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region is ${var.region}; it must be the code of an AWS region, such as us-east-1."
  }
}

variable "modes" {
  type        = set(string)
  default     = ["parquet"]
  description = <<-EOT
    The modes that the environment writes, side by side; modes.tf lists them. To move from one to another, add the new
    one, wait until the old one has no lag, then remove it: a delivery stream reads only what arrives after its
    creation (docs/deploy.md, "Changing the mode").
  EOT

  validation {
    condition     = length(var.modes) > 0 && length(setsubtract(var.modes, keys(local.modes))) == 0
    error_message = "modes must hold one or more of: ${join(", ", keys(local.modes))}."
  }
  validation {
    condition     = sum(concat([var.ingest.other_readers], [for mode in var.modes : lookup(local.readers_of_mode, mode, 0)])) <= 5
    error_message = "The delivery streams of modes ${join(", ", var.modes)} and the ingest.other_readers are more than five consumers of the source stream. A shard can be read five times a second, so a sixth would throttle all of them however many shards there are. Remove a mode or a consumer."
  }
}

# What exists already. These are plain values, and this module has no data sources: an ARN that becomes unknown in a plan
# would replace every delivery stream, and a new stream does not read what the old one had not read yet.

variable "source_stream" {
  type = object({
    name        = string
    arn         = string
    shards      = optional(number)
    kms_key_arn = optional(string)
  })
  description = <<-EOT
    The Kinesis stream that DynamoDB writes its changes to. `shards` is its present number of shards, which is compared
    with what the readers need. `kms_key_arn` is set where the stream is encrypted with a customer managed key.
  EOT

  validation {
    condition     = can(regex("^arn:aws:kinesis:[a-z0-9-]+:[0-9]{12}:stream/.+$", var.source_stream.arn))
    error_message = "source_stream.arn is ${var.source_stream.arn}; it must be the ARN of a Kinesis stream."
  }
  validation {
    condition     = var.source_stream.shards == null ? true : var.source_stream.shards >= 1
    error_message = "source_stream.shards must be at least 1, or null if unknown."
  }
  validation {
    condition     = var.source_stream.kms_key_arn == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.source_stream.kms_key_arn))
    error_message = "source_stream.kms_key_arn must be the ARN of a KMS key; an alias does not work in a role's policy."
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
    error_message = "table.kms_key_arn must be the ARN of a KMS key; an alias does not work in a role's policy."
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
    The bucket of the lake. If `managed`, this module sets its policy, lifecycle rules and default encryption, and
    REPLACES the present ones (docs/deploy.md says how to look at them first). If another team manages the bucket, set
    false, give them the output `bucket_rules`, and set `kms_key_arn` to the key of the bucket's default encryption.
    `policy` is false only on moto, which enforces a denial whatever its condition says.
  EOT

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket.name))
    error_message = "bucket.name is ${var.bucket.name}; it must be 3 to 63 of the characters a-z, 0-9, dot and hyphen."
  }
  validation {
    condition     = !var.bucket.managed || var.bucket.kms_key_arn == null
    error_message = "bucket.kms_key_arn must be null where bucket.managed is true: a managed bucket is encrypted with this module's key."
  }
  validation {
    condition     = var.bucket.kms_key_arn == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.bucket.kms_key_arn))
    error_message = "bucket.kms_key_arn must be the ARN of a KMS key; an alias does not work in a role's policy."
  }
}

# The functions and the delivery streams.

variable "package" {
  type        = string
  description = "Path of the function's zip, which `make package` builds."

  validation {
    condition     = fileexists(var.package)
    error_message = "package is ${var.package}, and that file does not exist; build it with `make package`."
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
    The functions' size, by mode where it differs from modes.tf: { memory_mib = { avro = 1536 } }. docs/cost.md says how
    the defaults were measured. Firehose waits at most 300 s for a call (guide, "Transform source data"). Lambda accepts
    128 to 10,240 MiB and gives a full processor at 1,769 (Lambda guide, "Configure memory"). `reserved_concurrency`
    applies to each function; -1 reserves none. `traced` turns X-Ray on.
  EOT

  validation {
    condition     = length(setsubtract(keys(merge(var.function.memory_mib, var.function.timeout_seconds)), keys(local.modes))) == 0
    error_message = "function.memory_mib and function.timeout_seconds are maps by mode; the modes are ${join(", ", keys(local.modes))}."
  }
  validation {
    condition     = alltrue([for mib in values(var.function.memory_mib) : mib >= 256 && mib <= 10240])
    error_message = "function.memory_mib must be 256 (boto3 and a batch of 3 MiB alone take about 90) to 10,240, Lambda's maximum."
  }
  validation {
    condition     = alltrue([for seconds in values(var.function.timeout_seconds) : seconds >= 30 && seconds <= 300])
    error_message = "function.timeout_seconds must be 30 to 300: Firehose waits at most 300 s, and the function reserves 15 s for error documents."
  }
  validation {
    condition     = var.function.reserved_concurrency == -1 || var.function.reserved_concurrency >= 5
    error_message = "function.reserved_concurrency must be -1 (none) or at least 5: Firehose runs up to 5 calls per shard at once."
  }
}

variable "buffer_seconds" {
  type        = number
  default     = 60
  description = "Seconds that Firehose buffers rows before it writes an object. More means fewer, larger objects; less means fresher data."

  validation {
    condition     = var.buffer_seconds >= 60 && var.buffer_seconds <= 300
    error_message = "buffer_seconds is ${var.buffer_seconds}; it must be 60 (Firehose's minimum with dynamic partitioning) to 300 (REQ-7: queryable within five minutes)."
  }
}

variable "lambda_buffer" {
  type        = map(object({ mib = number, seconds = number }))
  default     = {}
  description = <<-EOT
    How much Firehose buffers before it calls a function (guide, "Transform source data": 0.2 to 3 MB, 0 to 900 s), by
    mode where it differs from modes.tf: { avro = { mib = 1.5, seconds = 40 } }.
  EOT

  validation {
    condition     = length(setsubtract(keys(var.lambda_buffer), keys(local.modes))) == 0
    error_message = "lambda_buffer is a map by mode; the modes are ${join(", ", keys(local.modes))}."
  }
  validation {
    condition     = alltrue([for hint in values(var.lambda_buffer) : hint.mib >= 0.2 && hint.mib <= 3])
    error_message = "lambda_buffer.*.mib must be 0.2 to 3, the range that Firehose accepts."
  }
  validation {
    condition     = alltrue([for hint in values(var.lambda_buffer) : hint.seconds >= 0 && hint.seconds <= 60])
    error_message = "lambda_buffer.*.seconds must be 0 to 60: a change is processed within 60 s (REQ-1)."
  }
  # Firehose refuses one setting without the other, and the provider drops from its state a setting that equals the
  # default, so that every plan would set it again.
  validation {
    condition     = alltrue([for hint in values(var.lambda_buffer) : (hint.mib == 1) == (hint.seconds == 60)])
    error_message = "lambda_buffer.* must either equal both of Firehose's defaults (1 MiB, 60 s) or differ from both."
  }
}

variable "protect_key" {
  type        = bool
  default     = true
  description = <<-EOT
    Whether a plan that destroys the KMS key of this module fails. False only where the data is disposable: everything
    that was written under the key would be lost with it.
  EOT
}

variable "protect_streams" {
  type        = bool
  default     = false
  description = <<-EOT
    Whether a plan that replaces or removes a delivery stream fails. True in production: the changes between the end of
    the old stream and the start of the new one would be lost.
  EOT
}
