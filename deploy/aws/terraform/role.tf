# The role of the control plane: what it calls, and nothing else. The policies are those of docs/aws.md, which a test
# compares with the calls that the stores make.

locals {
  place = {
    partition = data.aws_partition.current.partition
    region    = data.aws_region.current.id
    account   = data.aws_caller_identity.current.account_id
  }

  policy = var.store == "ssm" ? templatefile("${path.module}/../policies/ssm.json", merge(local.place, {
    prefix = var.prefix
    })) : templatefile("${path.module}/../policies/appconfig.json", merge(local.place, {
    application = aws_appconfig_application.this["this"].id
    profile     = aws_appconfig_configuration_profile.this["this"].configuration_profile_id
  }))
}

resource "aws_iam_role" "turnout" {
  name_prefix = "turnout-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = var.trusted_principals }
      Condition = { for id in compact([var.external_id]) : "StringEquals" => { "sts:ExternalId" = id } }
    }]
  })
}

resource "aws_iam_role_policy" "turnout" {
  name   = "turnout"
  role   = aws_iam_role.turnout.id
  policy = local.policy
}

# SecureString parameters with a key of your own.
resource "aws_iam_role_policy" "key" {
  for_each = var.kms_key == null ? toset([]) : toset([var.kms_key])

  name = "key"
  role = aws_iam_role.turnout.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
      Resource = each.value
    }]
  })
}
