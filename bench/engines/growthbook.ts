/** `@growthbook/growthbook`: its server-side client, which takes the user with each call. No tracking, no sticky buckets. */
import { allowed, type Kind, keysOf, RULES, SPLIT, type User } from '../flags.ts'
import { peer } from '../peers.ts'
import type { Engine, Load } from './engine.ts'

interface Client {
  initSync(options: { payload: object }): unknown
  isOn(key: string, user: UserContext): boolean
  evalFeature(key: string, user: UserContext): { value: unknown }
}

interface UserContext {
  attributes: object
}

export const load: Load = async (users, flags) => {
  const { GrowthBookClient } = peer<{ GrowthBookClient: new () => Client }>('@growthbook/growthbook')
  const client = new GrowthBookClient()
  const features = Object.fromEntries(
    keysOf(flags).map(({ key, kind }, at) => [key, FEATURES[kind](users, at >> 2)]),
  )
  client.initSync({ payload: JSON.parse(JSON.stringify({ features })) })
  const engine: Engine<UserContext> = {
    context: (user) => ({ attributes: user }),
    boolean: (key, context) => client.isOn(key, context),
    text: (key, context) => client.evalFeature(key, context).value as string,
  }
  return engine
}

const hashAttribute = 'id'

const FEATURES: Record<Kind, (users: readonly User[], index: number) => object> = {
  boolean: () => ({ defaultValue: true }),
  percentage: () => ({ defaultValue: false, rules: [{ force: true, coverage: 0.5, hashAttribute }] }),
  allowlist: (users, index) => ({
    defaultValue: false,
    rules: [
      { condition: { id: { $in: allowed(users, index) } }, force: true },
      { force: true, coverage: 0.1, hashAttribute },
    ],
  }),
  rules: () => ({
    defaultValue: 'control',
    rules: [
      ...RULES.map(({ attribute, op, value, serve }) => ({
        condition: { [attribute]: CONDITIONS[op](value) },
        force: serve,
      })),
      {
        variations: Object.keys(SPLIT),
        weights: Object.values(SPLIT).map((weight) => weight / 100),
        coverage: 1,
        hashAttribute,
      },
    ],
  }),
}

const CONDITIONS: Record<(typeof RULES)[number]['op'], (value: unknown) => unknown> = {
  equals: (value) => value,
  in: (value) => ({ $in: value }),
  startsWith: (value) => ({ $regex: `^${value}` }),
  gte: (value) => ({ $gte: value }),
}
