"""A local Firehose for anybody: any delivery stream, from its CreateDeliveryStream request, over files or Kinesis."""
