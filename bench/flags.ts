/**
 * The flags and users of the evaluation benchmark, and what every engine must answer. Four kinds of flag, each in as many
 * copies as asked for; the users are the same in every process.
 */
import type { Condition, Flag, FlagDocument } from '../engine/index.ts'
import { randomFrom } from './breaker/chance.ts'

export const KINDS = ['boolean', 'percentage', 'allowlist', 'rules'] as const
export type Kind = (typeof KINDS)[number]

export const KIND_TITLES: Record<Kind, string> = {
  boolean: 'a  boolean, on',
  percentage: 'b  50 % by user',
  allowlist: 'c  allowlist of 100, then 10 %',
  rules: 'd  five attribute rules, then a three-way split',
}

export interface User {
  readonly id: string
  readonly country: string
  readonly plan: string
  readonly email: string
  readonly age: number
  readonly device: string
}

export const USERS = 8_192
const ALLOWED = 100
export const SPLIT = { control: 50, blue: 30, green: 20 } as const
export type Colour = keyof typeof SPLIT

/** The rules of kind d: each holds for about every ninth user, and can be said in the language of every engine. */
export const RULES = [
  { id: 'country', attribute: 'country', op: 'equals', value: 'DE', serve: 'green' },
  { id: 'plan', attribute: 'plan', op: 'in', value: ['business', 'enterprise'], serve: 'blue' },
  { id: 'testers', attribute: 'email', op: 'startsWith', value: 'qa-', serve: 'green' },
  { id: 'age', attribute: 'age', op: 'gte', value: 74, serve: 'control' },
  { id: 'device', attribute: 'device', op: 'equals', value: 'tablet', serve: 'blue' },
] as const

export const keyOf = (kind: Kind, index: number): string => `${kind}-${String(index).padStart(5, '0')}`

/** Keys of `count` flags, a quarter of each kind, in turn. */
export const keysOf = (count: number): { key: string; kind: Kind }[] =>
  Array.from({ length: count }, (_, at) => {
    const kind = KINDS[at % KINDS.length]!
    return { key: keyOf(kind, Math.floor(at / KINDS.length)), kind }
  })

/** The users, varied and always the same. Their texts are parsed from JSON, as those of a request would be. */
export function users(): readonly User[] {
  const random = randomFrom(1)
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  const countries = ['AT', 'BR', 'CH', 'DE', 'ES', 'FR', 'GB', 'JP', 'US']
  const plans = ['free', 'trial', 'solo', 'team', 'school', 'business', 'enterprise', 'partner', 'staff']
  const devices = ['phone', 'tablet', 'laptop', 'desktop', 'watch', 'television', 'console', 'kiosk']
  const all = Array.from({ length: USERS }, (_, at): User => {
    const id = `user-${String(at).padStart(4, '0')}${Math.floor(random() * 1e6)
      .toString()
      .padStart(6, '0')}`
    return {
      id,
      country: pick(countries),
      plan: pick(plans),
      email: `${random() < 0.12 ? 'qa-' : ''}person.${at}@example.com`,
      age: 18 + Math.floor(random() * 63),
      device: pick(devices),
    }
  })
  return JSON.parse(JSON.stringify(all))
}

/** Who is on the list of an allowlist flag: a hundred users, others for each flag. */
export const allowed = (all: readonly User[], index: number): string[] =>
  Array.from({ length: ALLOWED }, (_, at) => all[(index * 31 + at * 79) % all.length]!.id)

/** The authored document: `count` flags, a quarter of each kind. */
export function document(all: readonly User[], count: number): FlagDocument {
  return {
    flags: Object.fromEntries(
      keysOf(count).map(({ key, kind }, at) => [key, AUTHORED[kind](all, Math.floor(at / KINDS.length))]),
    ),
  }
}

const AUTHORED: Record<Kind, (all: readonly User[], index: number) => Flag> = {
  boolean: () => ({ enabled: true, fallthrough: 'on' }),
  percentage: () => ({
    enabled: true,
    rules: [{ id: 'half', percentage: 50, serve: 'on' }],
    fallthrough: 'off',
  }),
  allowlist: (all, index) => ({
    enabled: true,
    rules: [
      {
        id: 'allowed',
        when: { attribute: 'targetingKey', op: 'in', value: allowed(all, index) },
        serve: 'on',
      },
      { id: 'tenth', percentage: 10, serve: 'on' },
    ],
    fallthrough: 'off',
  }),
  rules: () => ({
    enabled: true,
    variants: { control: 'control', blue: 'blue', green: 'green' },
    off: 'control',
    rules: RULES.map(({ id, serve, ...test }) => ({ id, when: test as unknown as Condition, serve })),
    fallthrough: { ...SPLIT },
  }),
}

/** The colour that a rule of kind d gives a user; `null`: none holds, the split decides. */
export function ruled(user: User): Colour | null {
  if (user.country === 'DE') return 'green'
  if (user.plan === 'business' || user.plan === 'enterprise') return 'blue'
  if (user.email.startsWith('qa-')) return 'green'
  if (user.age >= 74) return 'control'
  return user.device === 'tablet' ? 'blue' : null
}
