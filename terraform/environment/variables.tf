# The values are in each environment's terraform.tfvars; modules/pipeline/variables*.tf explain and validate them.

variable "account_id" {
  type        = string
  description = "The AWS account of the environment, set by TF_VAR_account_id. A plan with credentials of another account fails."
}

variable "local_endpoint" {
  type        = bool
  default     = false
  description = "True on moto, set by TF_VAR_local_endpoint: leaves out what moto lacks (saved queries, conditions of a bucket's policy), and addresses buckets by path."
}

variable "environment" {
  type = string
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "modes" {
  type = set(string)
}

variable "package" {
  type        = string
  default     = "../../../build/function.zip"
  description = "Path of the function's zip, which `make package` builds."
}

variable "function" {
  type = object({
    memory_mib           = optional(map(number))
    timeout_seconds      = optional(map(number))
    reserved_concurrency = optional(number)
    traced               = optional(bool)
  })
  default = {}
}

variable "buffer_seconds" {
  type    = number
  default = 60
}

variable "lambda_buffer" {
  type    = map(object({ mib = number, seconds = number }))
  default = {}
}

variable "protect_streams" {
  type = bool
}

variable "operated" {
  type = bool
}

variable "source_kms_key_arn" {
  type    = string
  default = null
}

variable "kms_key_arn" {
  type    = string
  default = null
}

variable "bucket_managed" {
  type = bool
}

variable "bucket_kms_key_arn" {
  type    = string
  default = null
}

variable "ingest" {
  type = object({ records_per_second = number, kib_per_second = number, other_readers = optional(number) })
}

variable "error_readers" {
  type    = list(string)
  default = []
}

variable "retention_days" {
  type    = object({ errors = optional(number), results = optional(number), logs = optional(number), noncurrent = optional(number) })
  default = {}
}

variable "scan_limit_gib" {
  type    = number
  default = 200
}

variable "alarms" {
  type = object({
    topic_arn             = optional(string)
    emails                = optional(list(string))
    lag_minutes           = optional(number)
    change_age_seconds    = optional(number)
    partition_limit       = optional(number)
    source_retention_days = optional(number)
    silent_hours          = optional(number)
  })
  default = {}
}

variable "log_forwarding" {
  type    = object({ stream_arn = string, kms_key_arn = optional(string) })
  default = null
}

variable "ci_principals" {
  type    = list(string)
  default = []
}

variable "iceberg" {
  type = object({
    optimizers    = optional(bool)
    snapshot_days = optional(number)
    merge = optional(object({
      every_minutes   = optional(number)
      window_minutes  = optional(number)
      full            = optional(string)
      timeout_minutes = optional(number)
    }))
  })
  default = {}
}

variable "jobs" {
  type = map(object({
    worker_type     = optional(string)
    workers         = optional(number)
    timeout_minutes = optional(number)
    schedule        = optional(string)
    options         = optional(string)
  }))
  default = {}
}

variable "jobs_package" {
  type        = string
  default     = "../../../build/glue"
  description = "Path of the folder with the jobs' script and wheels, which `make glue-package` builds."
}

variable "exports" {
  type    = object({ bucket = string, prefix = optional(string), kms_key_arn = optional(string) })
  default = null
}

variable "scratch" {
  type    = object({ bucket = string, kms_key_arn = optional(string) })
  default = null
}

variable "erasure_key_arn" {
  type    = string
  default = null
}
