output "settings" {
  description = "Settings of the control plane, beside the keys of who may assume the role."
  value = merge(
    { STORE = var.store, AWS_REGION = data.aws_region.current.id, AWS_ROLE_ARN = aws_iam_role.turnout.arn },
    { for name, value in {
      AWS_ROLE_EXTERNAL_ID  = var.external_id
      STORE_PREFIX          = var.store == "ssm" ? var.prefix : null
      APPCONFIG_APPLICATION = var.store == "appconfig" ? var.application : null
      APPCONFIG_PROFILE     = var.store == "appconfig" ? var.profile : null
    } : name => value if value != null },
  )
}
