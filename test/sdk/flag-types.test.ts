/** What the compiler says to those who have told it of their flags, and to those who have not. */
import { describe, expect, it } from 'vitest'
import { flagTypes, typedFlags } from '../../cli/types/flag-types.ts'
import type { Flag, JsonValue } from '../../engine/index.ts'
import { installPackage } from './consumer.ts'

const { compile } = await installPackage(['react', '@types/react', 'csstype'])

const FLAGS = flagTypes(
  typedFlags(
    {
      flags: {
        'new-feature': { description: 'A switch', enabled: true, percentage: 50 },
        checkout: flag({ stable: 'v1', canary: 'v2' }),
        limit: flag({ low: 1, high: 10 }),
        retry: flag({ gentle: { times: 3, on: ['timeout'] } }),
        sizes: flag({ a: [1, 2], b: [] }),
        'orders-db': flag({ before: 'off', after: 'complete' }),
      },
    },
    false,
  ),
  'turnout types',
)

function flag(variants: Record<string, JsonValue>): Flag {
  const [off] = Object.keys(variants)
  return { enabled: true, variants, off: off!, fallthrough: off! }
}

const program = (line: string): string => `
  import type { Client, FlagKey, FlagValue, FlagVariant } from '@turnout/sdk/client'
  import { createRemoteClient } from '@turnout/sdk/remote'
  import { fromRequest } from '@turnout/sdk/request'
  import { reportOutcomes } from '@turnout/sdk/outcomes'
  import { migration } from '@turnout/sdk/migration'
  import { useFlag, useFlagDetails } from '@turnout/sdk/react'
  import { createTestClient, failing, variant } from '@turnout/sdk/testing'
  declare const flags: Client
  { ${line} }
  export {}`

/** Complaints about each line, as a program of its own. */
function complaintsAbout(lines: readonly string[], types: string): string[][] {
  const name = (at: number) => `line-${at}.ts`
  const files = Object.fromEntries(lines.map((line, at) => [name(at), program(line)]))
  const complaints = compile({ ...files, 'flags.d.ts': types })
  return lines.map((_, at) => complaints[name(at)] ?? [])
}

const GOOD = [
  "const value: boolean = flags.boolean('new-feature', false)",
  "const value: 'v1' | 'v2' = flags.string('checkout', 'v1', { targetingKey: 'ada' })",
  "const value: number = flags.number('limit', 3)",
  "const value: number = flags.object('retry', { times: 3, on: [] }).times",
  "const value: readonly number[] = flags.object('sizes', [])",
  "const variant: 'stable' | 'canary' | undefined = flags.stringDetails('checkout', 'v1').variant",
  "const variant: 'on' | 'off' | undefined = flags.booleanDetails('new-feature', true).variant",
  "const on: readonly string[] = flags.objectDetails('retry', { times: 3, on: [] }).value.on",
  "const keys: FlagKey[] = ['limit', 'sizes']; const key: FlagKey<string> = 'checkout'",
  "const value: FlagValue<'checkout'> = 'v2'; const variant: FlagVariant<'sizes'> = 'b'",
  'const all = <K extends FlagKey<boolean>>(...keys: K[]) => keys.every((key) => flags.boolean(key, false))',
  "const value: 'v1' | 'v2' = createRemoteClient({ url: '' }).string('checkout', 'v2')",
  "const value: Promise<boolean> = fromRequest(new Request(''), '').then((flags) => flags.boolean('new-feature', true))",
  "reportOutcomes(flags, { url: '' }).report('limit', 3)",
  "reportOutcomes(flags, { url: '' }).watch(flags.stringDetails('checkout', 'v1'), () => 3)",
  "createTestClient({ flags: { checkout: 'v2', limit: ({ plan }) => (plan === 'pro' ? 9 : 1) } }).set('sizes', [1])",
  "const order: Promise<number> = migration('orders-db', { client: flags, read: { old: (id: string) => 1, new: async (id) => 2 } }).read('7')",
  "const value: 'v1' | 'v2' = useFlag('checkout', 'v1'); const times: number = useFlag('retry', { times: 1, on: [] }).times",
  "const variant: 'on' | 'off' | undefined = useFlagDetails('new-feature', false).variant",
  "createTestClient().with({ checkout: variant('canary', 'v2'), limit: failing('GENERAL') }, () => 3)",
]

const BAD: [line: string, complaint: string][] = [
  ["flags.boolean('new-featrue', false)", `"new-featrue"' is not assignable to parameter`],
  ["flags.boolean('checkout', false)", `"checkout"' is not assignable to parameter`],
  ["flags.number('checkout', 1)", `"checkout"' is not assignable to parameter`],
  ["flags.object('checkout', {})", `"checkout"' is not assignable to parameter`],
  ["flags.boolean('new-feature', 'no')", "type 'string' is not assignable to parameter of type 'boolean'"],
  ["flags.string('checkout', 'v3')", `"v3"' is not assignable to parameter of type '"v1" | "v2"'`],
  ["flags.object('retry', { times: 'x', on: [] })", "Type 'string' is not assignable to type 'number'"],
  ["flags.object('retry', { times: 3, on: [], more: 1 })", "'more' does not exist in type"],
  ["flags.object('sizes', ['a'])", "Type 'string' is not assignable to type 'number'"],
  ["if (flags.string('checkout', 'v1') === 'v3') {}", 'have no overlap'],
  ["if (flags.stringDetails('checkout', 'v1').variant === 'canry') {}", 'have no overlap'],
  ["const key: string = 'limit'; flags.number(key, 1)", "type 'string' is not assignable to parameter"],
  ["createRemoteClient({ url: '' }).boolean('gone', true)", `"gone"' is not assignable to parameter`],
  ["reportOutcomes(flags, { url: '' }).report('gone', 'ok')", `"gone"' is not assignable to parameter`],
  ["useFlag('gone', false)", 'No overload matches this call.'],
  ["useFlag('checkout', 'v3')", 'No overload matches this call.'],
  ["migration('checkout', { client: flags })", `'"checkout"' is not assignable to parameter`],
  [
    "migration('orders-db', { client: flags, read: { old: (id: string) => 1, new: (id: number) => 1 } })",
    "Type '(id: number) => number' is not assignable",
  ],
  ['createTestClient({ flags: { gone: true } })', "'gone' does not exist in type"],
  ["createTestClient().set('checkout', 'v3')", `'"v3"' is not assignable to parameter`],
  ['createTestClient().with({ limit: true }, () => {})', "'true' is not assignable to type"],
]

describe('with types of the flags', () => {
  it('keys, values and variants are known to every client', () => {
    expect(complaintsAbout(GOOD, FLAGS)).toStrictEqual(GOOD.map(() => []))
  })

  it('an unknown key, another type, value or variant does not compile', () => {
    const lines = BAD.map(([line]) => line)
    expect(complaintsAbout(lines, FLAGS)).toStrictEqual(
      BAD.map(([, complaint]) => [expect.stringContaining(complaint)]),
    )
  })
})

describe('without types of the flags', () => {
  it('any key may be asked for, as any type, and the default says which', () => {
    const lines = [
      "const key: string = 'anything'; const value: string = flags.string(key, 'v3')",
      "const value: { times: number } = flags.object('anything', { times: 3 })",
      "const value: readonly number[] = flags.object<readonly number[]>('anything', [])",
      "const variant: string | undefined = flags.numberDetails('anything', 3).variant",
      "const key: FlagKey = 'anything'; const value: FlagValue<'anything', number> = 3",
      "createTestClient({ flags: { anything: true, other: () => 3 } }).set('third', { times: 3 })",
    ]
    expect(complaintsAbout(lines, 'export {}')).toStrictEqual(lines.map(() => []))
    expect(complaintsAbout(["flags.boolean('anything', 3)"], 'export {}')).toStrictEqual([
      ["Argument of type 'number' is not assignable to parameter of type 'boolean'."],
    ])
  })
})
