/** `unleash-client`, from a bootstrap, without server, metrics or events. */
import { allowed, type Kind, keysOf, RULES, SPLIT, type User } from '../flags.ts'
import { peer } from '../peers.ts'
import type { Engine, Load } from './engine.ts'

interface Unleash {
  once(event: 'ready', listener: () => void): void
  isEnabled(key: string, context: Context): boolean
  getVariant(key: string, context: Context): { name: string }
}

interface Package {
  Unleash: new (options: object) => Unleash
  InMemStorageProvider: new () => object
}

interface Context {
  userId: string
  properties: Readonly<Record<string, string>>
}

export const load: Load = async (users, flags) => {
  const { Unleash, InMemStorageProvider } = peer<Package>('unleash-client')
  const features = keysOf(flags).map(({ key, kind }, at) => ({
    name: key,
    type: 'release',
    enabled: true,
    ...FEATURES[kind](key, users, at >> 2),
  }))
  const unleash = new Unleash({
    appName: 'bench',
    url: 'http://127.0.0.1:9/', // never asked: the refresh interval is 0
    refreshInterval: 0,
    disableMetrics: true,
    storageProvider: new InMemStorageProvider(),
    bootstrap: { data: JSON.parse(JSON.stringify(features)) },
  })
  await new Promise<void>((ready) => unleash.once('ready', ready))
  const engine: Engine<Context> = {
    context: ({ id, age, ...rest }) => ({ userId: id, properties: { ...rest, age: String(age) } }),
    boolean: (key, context) => unleash.isEnabled(key, context),
    text: (key, context) => unleash.getVariant(key, context).name,
  }
  return engine
}

const rollout = (groupId: string, percentage: number) => ({
  name: 'flexibleRollout',
  parameters: { rollout: String(percentage), stickiness: 'userId', groupId },
})

const variant = (name: string, weight: number) => ({ name, weight, weightType: 'fix', stickiness: 'userId' })

const FEATURES: Record<Kind, (key: string, users: readonly User[], index: number) => object> = {
  boolean: () => ({ strategies: [{ name: 'default', parameters: {} }] }),
  percentage: (key) => ({ strategies: [rollout(key, 50)] }),
  // A list of user ids as a constraint is faster than the strategy `userWithId`, which splits its text at every call.
  allowlist: (key, users, index) => ({
    strategies: [
      {
        name: 'default',
        parameters: {},
        constraints: [{ contextName: 'userId', operator: 'IN', values: allowed(users, index) }],
      },
      rollout(key, 10),
    ],
  }),
  rules: (key) => ({
    strategies: [
      ...RULES.map(({ attribute, op, value, serve }) => ({
        name: 'default',
        parameters: {},
        constraints: [{ contextName: attribute, ...CONSTRAINTS[op](value) }],
        variants: [variant(serve, 1_000)],
      })),
      {
        ...rollout(key, 100),
        variants: Object.entries(SPLIT).map(([name, weight]) => variant(name, weight * 10)),
      },
    ],
  }),
}

const CONSTRAINTS: Record<(typeof RULES)[number]['op'], (value: unknown) => object> = {
  equals: (value) => ({ operator: 'IN', values: [value] }),
  in: (values) => ({ operator: 'IN', values }),
  startsWith: (value) => ({ operator: 'STR_STARTS_WITH', values: [value] }),
  gte: (value) => ({ operator: 'NUM_GTE', value: String(value) }),
}
