variable "environment" {
  type        = string
  default     = "test"
  description = "Name of the environment: others can stand beside it on one endpoint."
}

variable "region" {
  type        = string
  default     = "us-east-1"
  description = "The region that all of it lies in."
}

variable "account_id" {
  type        = string
  default     = "123456789012"
  description = "The account; moto's unless told."
}

variable "local_endpoint" {
  type        = bool
  default     = true
  description = "False on AWS itself, or on an endpoint that has all of it: moto cannot delete saved queries, and lacks others."
}

variable "modes" {
  type        = set(string)
  default     = ["parquet", "avro"]
  description = "Both, side by side, so that both are applied by every test."
}

variable "package" {
  type        = string
  default     = "../../build/function.zip"
  description = "What `make package` made."
}

variable "protect_streams" {
  type        = bool
  default     = false
  description = "Whether a delivery stream may not be replaced, as in production."
}

variable "buffer_seconds" {
  type        = number
  default     = 60
  description = "How long Firehose gathers rows before it writes an object."
}
