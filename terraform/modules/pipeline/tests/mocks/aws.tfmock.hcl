# Values that AWS would compute, in a form that other resources accept.

mock_resource "aws_iam_role" {
  override_during = plan
  defaults        = { arn = "arn:aws:iam::123456789012:role/mocked" }
}

mock_resource "aws_kms_key" {
  override_during = plan
  defaults        = { arn = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000" }
}

mock_resource "aws_sns_topic" {
  override_during = plan
  defaults        = { arn = "arn:aws:sns:us-east-1:123456789012:mocked" }
}

mock_resource "aws_kinesis_firehose_delivery_stream" {
  override_during = plan
  defaults        = { arn = "arn:aws:firehose:us-east-1:123456789012:deliverystream/mocked" }
}

mock_resource "aws_sfn_state_machine" {
  override_during = plan
  defaults        = { arn = "arn:aws:states:us-east-1:123456789012:stateMachine:mocked" }
}
