# Flags to begin with. The others come by the console, by `aws ssm put-parameter`, or by Turnout itself.
resource "aws_ssm_parameter" "flag" {
  for_each = var.store == "ssm" ? var.flags : {}

  name  = "${var.prefix}/${split("/", each.key)[0]}/flags/${split("/", each.key)[1]}"
  type  = "String"
  value = each.value

  lifecycle {
    # Turnout writes here too: Terraform must not set a flag back.
    ignore_changes = [value, insecure_value, tier]
  }
}
