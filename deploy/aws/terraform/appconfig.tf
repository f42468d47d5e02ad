locals {
  appconfig = var.store == "appconfig" ? toset(["this"]) : toset([])

  empty = var.profile_type == "AWS.Freeform" ? jsonencode({ flags = {} }) : jsonencode({
    version = "1"
    flags   = {}
    values  = {}
  })
}

resource "aws_appconfig_application" "this" {
  for_each = local.appconfig

  name        = var.application
  description = "Feature flags, kept with Turnout"
}

resource "aws_appconfig_environment" "this" {
  for_each = var.store == "appconfig" ? var.environments : toset([])

  name           = each.key
  application_id = aws_appconfig_application.this["this"].id

  dynamic "monitor" {
    for_each = var.alarm == null ? [] : [var.alarm]

    content {
      alarm_arn      = monitor.value
      alarm_role_arn = aws_iam_role.alarm["this"].arn
    }
  }
}

resource "aws_appconfig_configuration_profile" "this" {
  for_each = local.appconfig

  name           = var.profile
  application_id = aws_appconfig_application.this["this"].id
  location_uri   = "hosted"
  type           = var.profile_type
}

# To everybody at once, without bake time: Turnout splits traffic itself, and AppConfig runs one deployment of an
# environment at a time. It is the one that Turnout would make.
resource "aws_appconfig_deployment_strategy" "turnout" {
  for_each = local.appconfig

  name                           = "Turnout.AtOnce"
  deployment_duration_in_minutes = 0
  growth_factor                  = 100
  final_bake_time_in_minutes     = 0
  replicate_to                   = "NONE"
}

# A first version, so that there is something to read. Turnout writes the next ones.
resource "aws_appconfig_hosted_configuration_version" "first" {
  for_each = local.appconfig

  application_id           = aws_appconfig_application.this["this"].id
  configuration_profile_id = aws_appconfig_configuration_profile.this["this"].configuration_profile_id
  content_type             = "application/json"
  content                  = local.empty

  lifecycle {
    ignore_changes = [content, description]
  }
}

resource "aws_appconfig_deployment" "first" {
  for_each = var.store == "appconfig" ? var.environments : toset([])

  application_id           = aws_appconfig_application.this["this"].id
  environment_id           = aws_appconfig_environment.this[each.key].environment_id
  configuration_profile_id = aws_appconfig_configuration_profile.this["this"].configuration_profile_id
  configuration_version    = aws_appconfig_hosted_configuration_version.first["this"].version_number
  deployment_strategy_id   = aws_appconfig_deployment_strategy.turnout["this"].id

  lifecycle {
    # A change here would deploy the empty document over what Turnout wrote.
    ignore_changes = all
  }
}

# AppConfig looks at the alarm by this role.
resource "aws_iam_role" "alarm" {
  for_each = var.store == "appconfig" && var.alarm != null ? toset(["this"]) : toset([])

  name_prefix = "turnout-alarm-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "appconfig.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "alarm" {
  for_each = aws_iam_role.alarm

  name = "alarm"
  role = each.value.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "cloudwatch:DescribeAlarms"
      Resource = "*"
    }]
  })
}
