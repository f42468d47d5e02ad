variable "store" {
  description = "Where the flags live, as STORE of the control plane: ssm or appconfig."
  type        = string

  validation {
    condition     = contains(["ssm", "appconfig"], var.store)
    error_message = "store must be ssm or appconfig."
  }
}

variable "environments" {
  description = "Environments of Turnout, such as dev and prod. Each is one in AppConfig."
  type        = set(string)
  default     = ["dev", "prod"]
}

variable "prefix" {
  description = "With ssm: path of the parameters, as STORE_PREFIX."
  type        = string
  default     = "/turnout"
}

variable "flags" {
  description = "With ssm: flags to begin with, by ENVIRONMENT/KEY. Later changes of their values, by whomever, are left alone."
  type        = map(string)
  default     = {}
}

variable "application" {
  description = "With appconfig: name of the application, as APPCONFIG_APPLICATION."
  type        = string
  default     = "turnout"
}

variable "profile" {
  description = "With appconfig: name of the configuration profile, as APPCONFIG_PROFILE."
  type        = string
  default     = "flags"
}

variable "profile_type" {
  description = "With appconfig: AWS.Freeform holds everything; AWS.AppConfig.FeatureFlags see docs/appconfig-feature-flags.md."
  type        = string
  default     = "AWS.Freeform"

  validation {
    condition     = contains(["AWS.Freeform", "AWS.AppConfig.FeatureFlags"], var.profile_type)
    error_message = "profile_type must be AWS.Freeform or AWS.AppConfig.FeatureFlags."
  }
}

variable "alarm" {
  description = "With appconfig: ARN of a CloudWatch alarm that rolls a running deployment back. Null: none."
  type        = string
  default     = null
}

variable "trusted_principals" {
  description = "ARNs of those who may assume the role, such as the user whose keys the control plane has."
  type        = list(string)
}

variable "external_id" {
  description = "What they must know to assume it, as AWS_ROLE_EXTERNAL_ID. Null: nothing."
  type        = string
  default     = null
}

variable "kms_key" {
  description = "ARN of the key of SecureString parameters, if it is not AWS's own. Null: none."
  type        = string
  default     = null
}

variable "hook_url" {
  description = "Address of the control plane with /hooks/aws, such as https://turnout.example.com/hooks/aws. Null: changes are found by polling alone."
  type        = string
  default     = null
}

variable "hook_secret" {
  description = "The secret AWS_HOOK_SECRET of the control plane."
  type        = string
  default     = null
  sensitive   = true
}
