# Changes in AWS are told to Turnout, which then looks at once instead of with its next poll. The event itself is never
# taken for data.

locals {
  push = var.hook_url == null ? toset([]) : toset(["this"])

  pattern = var.store == "ssm" ? jsonencode({
    source        = ["aws.ssm"]
    "detail-type" = ["Parameter Store Change"]
    detail        = { name = [{ prefix = "${var.prefix}/" }] }
    }) : jsonencode({
    source        = ["aws.appconfig"]
    "detail-type" = [{ prefix = "On Deployment" }]
  })
}

resource "aws_cloudwatch_event_connection" "turnout" {
  for_each = local.push

  name               = "turnout"
  authorization_type = "API_KEY"

  auth_parameters {
    api_key {
      key   = "x-turnout-hook-secret"
      value = var.hook_secret
    }
  }
}

resource "aws_cloudwatch_event_api_destination" "turnout" {
  for_each = local.push

  name                             = "turnout"
  invocation_endpoint              = var.hook_url
  http_method                      = "POST"
  invocation_rate_limit_per_second = 10
  connection_arn                   = aws_cloudwatch_event_connection.turnout["this"].arn
}

resource "aws_cloudwatch_event_rule" "turnout" {
  for_each = local.push

  name          = "turnout"
  description   = "Flags changed in AWS: Turnout looks at once"
  event_pattern = local.pattern
}

resource "aws_cloudwatch_event_target" "turnout" {
  for_each = local.push

  rule     = aws_cloudwatch_event_rule.turnout["this"].name
  arn      = aws_cloudwatch_event_api_destination.turnout["this"].arn
  role_arn = aws_iam_role.push["this"].arn

  # An hour later the poll has long found the change.
  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 10
  }
}

resource "aws_iam_role" "push" {
  for_each = local.push

  name_prefix = "turnout-push-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "events.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "push" {
  for_each = local.push

  name = "push"
  role = aws_iam_role.push["this"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "events:InvokeApiDestination"
      Resource = aws_cloudwatch_event_api_destination.turnout["this"].arn
    }]
  })
}
