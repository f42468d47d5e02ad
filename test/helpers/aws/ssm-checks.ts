/** What Parameter Store takes, and how it refuses the rest. */
import { AwsError } from './wire.ts'

export type ParameterType = 'String' | 'StringList' | 'SecureString'
export type Tier = 'Standard' | 'Advanced'

interface Standing {
  readonly type: ParameterType
  readonly tier: Tier
}

const MAX_BYTES: Record<Tier, number> = { Standard: 4096, Advanced: 8192 }
const MAX_LEVELS = 15

export function checkName(name: string): string {
  if (!/^[a-zA-Z0-9_.\-/]+$/.test(name))
    throw new AwsError(
      'ValidationException',
      'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive), and can include only a-zA-Z0-9_.-/',
    )
  if (/^\/?(?:aws|ssm)/i.test(name))
    throw new AwsError('AccessDeniedException', `No access to reserved parameter name: ${name}.`)
  if (name.includes('/') && !name.startsWith('/'))
    throw new AwsError('ValidationException', 'Parameter name must be a fully qualified name.')
  if (name.endsWith('/') || name.includes('//'))
    throw new AwsError('ValidationException', `Invalid parameter name ${name}`)
  if (name.split('/').length - 1 > MAX_LEVELS)
    throw new AwsError(
      'HierarchyLevelLimitExceededException',
      `A hierarchy can have a maximum of ${MAX_LEVELS} levels.`,
    )
  if (name.length > 1011 - 45) throw constraint('name', 'Member must have length less than or equal to 1011')
  return name
}

export function typeOf(type: unknown, before: Standing | undefined): ParameterType {
  if (type === undefined && before === undefined)
    throw new AwsError('ValidationException', 'A parameter type is required when you create a parameter.')
  if (type === undefined) return before!.type
  if (type !== 'String' && type !== 'StringList' && type !== 'SecureString')
    throw constraint('type', 'Member must satisfy enum value set: [SecureString, StringList, String]')
  if (before !== undefined && before.type !== type)
    throw new AwsError(
      'HierarchyTypeMismatchException',
      `You can't change a parameter's type from ${before.type} to ${type}.`,
    )
  return type
}

/** Standard unless asked otherwise; intelligent tiering picks by size; there is no way back from advanced. */
export function tierOf(asked: unknown, value: string, before: Standing | undefined): Tier {
  const bytes = Buffer.byteLength(value)
  const fits = bytes <= MAX_BYTES.Standard
  const tier =
    asked === 'Intelligent-Tiering'
      ? fits
        ? 'Standard'
        : 'Advanced'
      : ((asked as Tier | undefined) ?? before?.tier ?? 'Standard')
  if (before?.tier === 'Advanced' && tier === 'Standard') {
    if (asked === 'Intelligent-Tiering') return 'Advanced'
    throw new AwsError(
      'ValidationException',
      "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier.",
    )
  }
  if (tier === 'Standard' && !fits)
    throw new AwsError(
      'ValidationException',
      'Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier.',
    )
  if (bytes > MAX_BYTES.Advanced)
    throw new AwsError(
      'ValidationException',
      'Advanced tier parameters support a maximum parameter value of 8192 characters.',
    )
  return tier
}

export function namesOf(value: unknown): string[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > 10)
    throw constraint('names', 'Member must have length less than or equal to 10')
  return value.map(String)
}

export function sizeOf(value: unknown, max: number): number {
  if (value === undefined) return max
  if (!Number.isInteger(value) || (value as number) < 1)
    throw constraint('maxResults', 'Member must have value greater than or equal to 1')
  if ((value as number) > max)
    throw constraint('maxResults', `Member must have value less than or equal to ${max}`)
  return value as number
}

export function text(value: unknown, member: string): string {
  if (typeof value !== 'string') throw constraint(member, 'Member must not be null')
  return value
}

export const constraint = (member: string, sentence: string): AwsError =>
  new AwsError(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: ${sentence}`,
  )
