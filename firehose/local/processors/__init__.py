"""What is done with records before they are delivered: de-aggregation and the Lambda processor, its function too."""
