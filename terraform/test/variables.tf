variable "environment" {
  type        = string
  default     = "test"
  description = "The environment's name. Several environments fit on one endpoint."
}

variable "region" {
  type        = string
  default     = "us-east-1"
  description = "The AWS region of every resource."
}

variable "account_id" {
  type        = string
  default     = "123456789012"
  description = "The AWS account; moto's by default."
}

variable "local_endpoint" {
  type        = bool
  default     = true
  description = "False on AWS, or on an endpoint that has every operation: moto lacks some, such as deleting saved queries."
}

variable "modes" {
  type        = set(string)
  default     = ["parquet", "avro"]
  description = "The modes that are written. Both by default, so that every test applies both."
}

variable "package" {
  type        = string
  default     = "../../build/function.zip"
  description = "Path of the function's zip, which `make package` builds."
}

variable "protect_streams" {
  type        = bool
  default     = false
  description = "Whether a plan that replaces or removes a delivery stream fails, as in production."
}

variable "protect_key" {
  type        = bool
  default     = false
  description = "Whether a plan that destroys the KMS key fails, as in every real environment."
}

variable "buffer_seconds" {
  type        = number
  default     = 60
  description = "Seconds that Firehose buffers rows before it writes an object."
}

variable "jobs" {
  type        = map(object({ schedule = optional(string) }))
  default     = {}
  description = "The jobs over the lake to create, with their schedules."
}

variable "jobs_package" {
  type        = string
  default     = "../../build/glue"
  description = "Path of the folder with the jobs' script and wheels, which `make glue-package` builds."
}
