# The jobs over the lake, as AWS Glue runs them. Without any nothing of them is made.

variable "jobs" {
  type = map(object({
    worker_type     = optional(string, "G.1X")
    workers         = optional(number, 2)
    timeout_minutes = optional(number, 480)
    schedule        = optional(string)
    options         = optional(string, "")
  }))
  default     = {}
  description = <<-EOT
    The jobs that exist, by name (jobs.tf lists them): `{ compact = { schedule = "cron(0 3 * * ? *)" } }`. One of the
    `workers` is the driver. `schedule` is in UTC and at least daily; null starts no run. `options` are those of the
    command, which whoever starts a run may replace: "--older-than 2d".
  EOT

  validation {
    condition     = length(setsubtract(keys(var.jobs), keys(local.job_rows))) == 0
    error_message = "jobs must be of: ${join(", ", keys(local.job_rows))}."
  }
  validation {
    condition     = alltrue([for job in var.jobs : job.workers >= 2 && job.workers <= 299])
    error_message = "jobs.workers must be 2 (a driver and an executor) to 299 (Glue API, \"CreateJob\")."
  }
  validation {
    condition     = alltrue([for job in var.jobs : contains(["G.1X", "G.2X", "G.4X", "G.8X"], job.worker_type)])
    error_message = "jobs.worker_type must be G.1X, G.2X, G.4X or G.8X: of Glue's for Spark those that version 5 of the provider accepts."
  }
  validation {
    condition     = alltrue([for job in var.jobs : job.timeout_minutes >= 1 && job.timeout_minutes <= 10080])
    error_message = "jobs.timeout_minutes must be 1 to 10,080 (Glue API, \"CreateJob\": seven days)."
  }
  validation {
    condition     = alltrue([for job in var.jobs : can(regex("^cron\\([^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+\\)$", coalesce(job.schedule, "cron(0 3 * * ? *)")))])
    error_message = "jobs.schedule must be a cron expression of six fields, such as cron(0 3 * * ? *)."
  }
}

variable "jobs_package" {
  type        = string
  default     = ""
  description = "Path of the folder with the jobs' script and wheels, which `make glue-package` builds."

  validation {
    condition     = length(var.jobs) == 0 || alltrue([for file in ["job.py", "jobs.gluewheels.zip"] : fileexists("${var.jobs_package}/${file}")])
    error_message = "jobs_package ${var.jobs_package} lacks job.py or jobs.gluewheels.zip; `make glue-package` builds them."
  }
}

variable "exports" {
  type        = object({ bucket = string, prefix = optional(string, ""), kms_key_arn = optional(string) })
  default     = null
  description = "Where exports of the table lie, for the jobs that read them: the bucket, a folder in it, and its key."

  validation {
    condition     = var.exports != null || length(setintersection(keys(var.jobs), [for name, row in local.job_rows : name if row.exports])) == 0
    error_message = "exports must be set for the jobs backfill and reconcile, which read exports of the table."
  }
  validation {
    condition     = try(var.exports.kms_key_arn, null) == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.exports.kms_key_arn))
    error_message = "exports.kms_key_arn must be the ARN of a KMS key; an alias does not work in a role's policy."
  }
}

variable "scratch" {
  type        = object({ bucket = string, kms_key_arn = optional(string) })
  default     = null
  description = <<-EOT
    A bucket that holds nothing else, for the scratch lake of a reconciliation, with personal data; it is emptied at the
    end. Give it no versions, a lifecycle rule of a day and no other readers. `kms_key_arn` is the key of its default
    encryption.
  EOT

  validation {
    condition     = var.scratch != null || length(setintersection(keys(var.jobs), [for name, row in local.job_rows : name if row.scratch])) == 0
    error_message = "scratch must be set for the job reconcile, which fills a scratch lake."
  }
  validation {
    condition     = try(var.scratch.bucket, "") != var.bucket.name
    error_message = "scratch.bucket must be another bucket than the lake's."
  }
  validation {
    condition     = try(var.scratch.kms_key_arn, null) == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.scratch.kms_key_arn))
    error_message = "scratch.kms_key_arn must be the ARN of a KMS key; an alias does not work in a role's policy."
  }
}

variable "erasure_key_arn" {
  type        = string
  default     = null
  description = <<-EOT
    The KMS key under which the key of the list of erased subjects lies beside it, for erasures and backfills. Null: that
    key is not encrypted, and whoever reads dmd-jobs/ can tell whether a given person is in the list.
  EOT

  validation {
    condition     = var.erasure_key_arn == null ? true : can(regex("^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.erasure_key_arn))
    error_message = "erasure_key_arn must be the ARN of a KMS key; an alias does not work in a role's policy."
  }
}
