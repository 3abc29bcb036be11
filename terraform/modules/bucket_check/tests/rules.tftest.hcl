# A bucket of another team is checked for each setting that this project would set itself.

mock_provider "aws" {}

variables {
  bucket = "lake"
}

run "a_bucket_with_every_setting_passes" {
  command = apply

  override_data {
    target = data.aws_cloudcontrolapi_resource.bucket
    values = {
      properties = "{\"PublicAccessBlockConfiguration\":{\"BlockPublicAcls\":true,\"BlockPublicPolicy\":true,\"IgnorePublicAcls\":true,\"RestrictPublicBuckets\":true},\"OwnershipControls\":{\"Rules\":[{\"ObjectOwnership\":\"BucketOwnerEnforced\"}]},\"VersioningConfiguration\":{\"Status\":\"Enabled\"}}"
    }
  }
}

run "one_flag_of_the_public_access_block_missing_warns" {
  command = apply

  override_data {
    target = data.aws_cloudcontrolapi_resource.bucket
    values = {
      properties = "{\"PublicAccessBlockConfiguration\":{\"BlockPublicAcls\":true,\"BlockPublicPolicy\":true,\"IgnorePublicAcls\":true,\"RestrictPublicBuckets\":false},\"OwnershipControls\":{\"Rules\":[{\"ObjectOwnership\":\"BucketOwnerEnforced\"}]},\"VersioningConfiguration\":{\"Status\":\"Enabled\"}}"
    }
  }
  expect_failures = [check.bucket_rules]
}

run "objects_with_acls_warn" {
  command = apply

  override_data {
    target = data.aws_cloudcontrolapi_resource.bucket
    values = {
      properties = "{\"PublicAccessBlockConfiguration\":{\"BlockPublicAcls\":true,\"BlockPublicPolicy\":true,\"IgnorePublicAcls\":true,\"RestrictPublicBuckets\":true},\"OwnershipControls\":{\"Rules\":[{\"ObjectOwnership\":\"ObjectWriter\"}]},\"VersioningConfiguration\":{\"Status\":\"Enabled\"}}"
    }
  }
  expect_failures = [check.bucket_rules]
}

run "a_bucket_without_versions_warns" {
  command = apply

  override_data {
    target = data.aws_cloudcontrolapi_resource.bucket
    values = {
      properties = "{\"PublicAccessBlockConfiguration\":{\"BlockPublicAcls\":true,\"BlockPublicPolicy\":true,\"IgnorePublicAcls\":true,\"RestrictPublicBuckets\":true},\"OwnershipControls\":{\"Rules\":[{\"ObjectOwnership\":\"BucketOwnerEnforced\"}]}}"
    }
  }
  expect_failures = [check.bucket_rules]
}

run "a_bucket_without_a_public_access_block_warns" {
  command = apply

  override_data {
    target = data.aws_cloudcontrolapi_resource.bucket
    values = {
      properties = "{\"OwnershipControls\":{\"Rules\":[{\"ObjectOwnership\":\"BucketOwnerEnforced\"}]},\"VersioningConfiguration\":{\"Status\":\"Enabled\"}}"
    }
  }
  expect_failures = [check.bucket_rules]
}

run "a_bucket_whose_owner_of_objects_is_not_set_warns" {
  command = apply

  override_data {
    target = data.aws_cloudcontrolapi_resource.bucket
    values = {
      properties = "{\"PublicAccessBlockConfiguration\":{\"BlockPublicAcls\":true,\"BlockPublicPolicy\":true,\"IgnorePublicAcls\":true,\"RestrictPublicBuckets\":true},\"VersioningConfiguration\":{\"Status\":\"Enabled\"}}"
    }
  }
  expect_failures = [check.bucket_rules]
}
