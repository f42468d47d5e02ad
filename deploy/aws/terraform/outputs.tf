output "role_arn" {
  description = "The role that the control plane assumes."
  value       = aws_iam_role.turnout.arn
}

output "settings" {
  description = "Settings of the control plane, beside its credentials."
  value = merge(
    { STORE = var.store, AWS_REGION = data.aws_region.current.id },
    { for name, value in {
      STORE_PREFIX          = var.store == "ssm" ? var.prefix : null
      APPCONFIG_APPLICATION = var.store == "appconfig" ? var.application : null
      APPCONFIG_PROFILE     = var.store == "appconfig" ? var.profile : null
    } : name => value if value != null },
  )
}
