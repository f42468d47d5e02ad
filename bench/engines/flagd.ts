/** `@openfeature/flagd-core`, in its faster mode, which compiles rules to JavaScript (Workers forbid that one). */
import { allowed, type Kind, keysOf, RULES, SPLIT, type User } from '../flags.ts'
import { peer } from '../peers.ts'
import type { Engine, Load } from './engine.ts'

interface Core {
  setConfigurations(text: string): unknown
  resolveBooleanEvaluation(key: string, fallback: boolean, context: Context): { value: boolean }
  resolveStringEvaluation(key: string, fallback: string, context: Context): { value: string }
}

type Context = Readonly<Record<string, string | number>>

export const load: Load = async (users, flags) => {
  const { FlagdCore } = peer<{ FlagdCore: new (storage: undefined, logger: object) => Core }>(
    '@openfeature/flagd-core',
  )
  const quiet = { error() {}, warn() {}, info() {}, debug() {} }
  const core = new FlagdCore(undefined, quiet)
  const authored = keysOf(flags).map(({ key, kind }, at) => [key, FLAGS[kind](users, at >> 2)])
  core.setConfigurations(JSON.stringify({ flags: Object.fromEntries(authored) }))
  const engine: Engine<Context> = {
    context: ({ id, ...attributes }) => ({ targetingKey: id, ...attributes }),
    boolean: (key, context) => core.resolveBooleanEvaluation(key, false, context).value,
    text: (key, context) => core.resolveStringEvaluation(key, 'control', context).value,
  }
  return engine
}

const BOOLEANS = { state: 'ENABLED', variants: { on: true, off: false } }
const cut = (percentage: number) => ({
  fractional: [
    ['on', percentage],
    ['off', 100 - percentage],
  ],
})

const FLAGS: Record<Kind, (users: readonly User[], index: number) => object> = {
  boolean: () => ({ ...BOOLEANS, defaultVariant: 'on' }),
  percentage: () => ({ ...BOOLEANS, defaultVariant: 'off', targeting: cut(50) }),
  allowlist: (users, index) => ({
    ...BOOLEANS,
    defaultVariant: 'off',
    targeting: { if: [{ in: [{ var: 'targetingKey' }, allowed(users, index)] }, 'on', cut(10)] },
  }),
  rules: () => ({
    state: 'ENABLED',
    variants: { control: 'control', blue: 'blue', green: 'green' },
    defaultVariant: 'control',
    targeting: {
      if: [
        ...RULES.flatMap(({ attribute, op, value, serve }) => [
          { [OPERATIONS[op]]: [{ var: attribute }, value] },
          serve,
        ]),
        { fractional: Object.entries(SPLIT) },
      ],
    },
  }),
}

const OPERATIONS: Record<(typeof RULES)[number]['op'], string> = {
  equals: '===',
  in: 'in',
  startsWith: 'starts_with',
  gte: '>=',
}
