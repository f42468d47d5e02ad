/** `turnout types`: what it writes, when it finds a file out of date, and what it says then. */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { flagTypes, typedFlags } from '../../cli/types/flag-types.ts'
import { valueType } from '../../cli/types/value-type.ts'
import type { FlagDocument } from '../../engine/index.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { startApi } from './fake-api.ts'
import { turnout } from './run.ts'

const DOCUMENT: FlagDocument = {
  flags: {
    'new-feature': { enabled: true, percentage: 50, client: true },
    CONDUIT_USE_REPOSITORY_PATTERN: {
      description: 'Serve Conduit from the repository pattern,\nwithout a restart',
      expiresAt: '2027-01-31T00:00:00Z',
      enabled: true,
    },
    checkout: {
      description: 'Ends a comment: */ and goes on',
      metadata: { deprecated: 'use new-feature' },
      enabled: true,
      variants: { stable: 'v1', canary: 'v2' },
      off: 'stable',
      fallthrough: 'stable',
    },
  },
}

const TYPES = `/* eslint-disable */
// biome-ignore-all lint: written by a program
// Written by turnout types --env prod. Do not edit: write it again when flags change; --check says when.
import '@turnout/sdk/client'

declare module '@turnout/sdk/client' {
  interface Flags {
    /**
     * Serve Conduit from the repository pattern,
     * without a restart
     * Expires 2027-01-31T00:00:00Z.
     */
    CONDUIT_USE_REPOSITORY_PATTERN: { value: boolean; variant: 'off' | 'on' }
    /**
     * Ends a comment: *\\/ and goes on
     * @deprecated use new-feature
     */
    checkout: { value: 'v1' | 'v2'; variant: 'canary' | 'stable' }
    'new-feature': { value: boolean; variant: 'off' | 'on' }
  }
}
`

describe('the type of a flag', () => {
  test.each<[string, Parameters<typeof valueType>[0], string]>([
    ['booleans', [true, false], 'boolean'],
    ['numbers', [1, 2.5], 'number'],
    ['texts: one of them', ['b', 'a', 'b'], "'a' | 'b'"],
    ['texts with quotes and line ends', [`it's "so"\n\\`], `'it\\'s "so"\\n\\\\'`],
    ['texts that are content', ['a', 'x'.repeat(101)], 'string'],
    ['lists', [[1], ['a', null]], 'readonly (null | number | string)[]'],
    ['empty lists', [[], []], 'readonly unknown[]'],
    ['lists of which one is empty', [[], [1]], 'readonly (number)[]'],
    ['objects', [{ b: 1, a: 'x' }], '{ readonly a: string; readonly b: number }'],
    [
      'objects of which some lack a property',
      [{ a: 1, 'b-c': true }, { a: 'x' }],
      "{ readonly a: number | string; readonly 'b-c'?: boolean }",
    ],
    [
      'objects in objects',
      [{ a: { b: [{ c: 1 }] } }],
      '{ readonly a: { readonly b: readonly ({ readonly c: number })[] } }',
    ],
    ['empty objects', [{}], 'Readonly<Record<string, unknown>>'],
  ])('of %s', (_, values, type) => {
    expect(valueType(values)).toBe(type)
    expect(valueType([...values].reverse())).toBe(type)
  })
})

describe('types', () => {
  const start = () => startApi({ 'GET /environments/prod/document': DOCUMENT })

  test('of an environment are printed, in the order of keys, with what the document says of each', async () => {
    const { code, out } = await turnout(['types'], await start())
    expect(out).toBe(TYPES)
    expect(code).toBe(0)
  })

  test('do not depend on the order of flags and variants in the document', () => {
    const reversed = Object.fromEntries(Object.entries(DOCUMENT.flags).reverse())
    expect(flagTypes(typedFlags({ flags: reversed }, false), 'turnout types --env prod')).toBe(TYPES)
  })

  test('can be held to what browsers may see', async () => {
    const { out } = await turnout(['types', '--client'], await start())
    expect(out.match(/^ {4}\S+: \{/gm)).toStrictEqual(["    'new-feature': {"])
    expect(out).toContain('turnout types --env prod --client.')
  })

  test('are written to a file, and left alone there while they are right', async () => {
    const cwd = temporaryFolder()
    const circumstances = { ...(await start()), cwd }
    const written = await turnout(['types', '--out', 'src/flags.d.ts'], circumstances)
    expect(written).toMatchObject({ code: 0, out: 'src/flags.d.ts is written: 3 flags.\n' })
    const file = join(cwd, 'src/flags.d.ts')
    expect(readFileSync(file, 'utf8')).toBe(TYPES)
    const before = statSync(file, { bigint: true }).mtimeNs
    const again = await turnout(['types', '--out', 'src/flags.d.ts'], circumstances)
    expect(again).toMatchObject({ code: 0, out: 'src/flags.d.ts is up to date: 3 flags.\n' })
    expect(statSync(file, { bigint: true }).mtimeNs).toBe(before)
  })

  test('come from a document in a file too, without a control plane', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'flags.json'), JSON.stringify({ beta: true }))
    const { code, out } = await turnout(['types', '--file', 'flags.json'], { cwd })
    expect(out).toContain("    beta: { value: boolean; variant: 'off' | 'on' }\n")
    expect(out).toContain('// Written by turnout types --file flags.json.')
    expect(code).toBe(0)
  })

  test('of a document that is wrong are none: every error is said', async () => {
    const cwd = temporaryFolder()
    writeFileSync(join(cwd, 'flags.json'), '{ "flags": { "beta": { "enabled": 1 }, "b c": true } }')
    const { code, err } = await turnout(['types', '--file', 'flags.json', '--out', 'x.d.ts'], { cwd })
    expect(err).toContain('flags.json is no valid document')
    expect(err).toContain('$.flags.beta.enabled: must be true or false, got 1')
    expect(err).toContain("$.flags['b c']: ")
    expect(code).toBe(1)
  })
})

describe('types --check', () => {
  const check = async (text: string | null, words: readonly string[] = []) => {
    const cwd = temporaryFolder()
    if (text !== null) writeFileSync(join(cwd, 'flags.d.ts'), text)
    const api = await startApi({ 'GET /environments/prod/document': DOCUMENT })
    const ran = await turnout(['types', '--check', '--out', 'flags.d.ts', ...words], { ...api, cwd })
    return { ...ran, cwd }
  }

  test('passes for the file as it is written, also with the line ends of Windows', async () => {
    expect((await check(TYPES)).code).toBe(0)
    expect((await check(TYPES.replaceAll('\n', '\r\n'))).code).toBe(0)
  })

  test('fails for any other, says flag by flag what differs, and writes nothing', async () => {
    const old = TYPES.replace("'v1' | 'v2'", "'v1'")
      .replace("'new-feature': {", "'old-feature': {")
      .replace('without a restart', 'with a restart')
    const { code, out, err, cwd } = await check(old)
    expect(
      out,
    ).toBe(`  ~ checkout  { value: 'v1'; variant: 'canary' | 'stable' } → { value: 'v1' | 'v2'; variant: 'canary' | 'stable' }
  + new-feature  { value: boolean; variant: 'off' | 'on' }
  - old-feature
`)
    expect(err).toBe(
      'turnout: flags.d.ts is out of date: write it with turnout types --env prod --out flags.d.ts\n',
    )
    expect(code).toBe(1)
    expect(readFileSync(join(cwd, 'flags.d.ts'), 'utf8')).toBe(old)
  })

  test('fails where only comments differ', async () => {
    const { code, out } = await check(TYPES.replace('without a restart', 'with a restart'))
    expect([code, out]).toStrictEqual([1, '  ~ comments only\n'])
  })

  test('fails where there is no file', async () => {
    const { code, err } = await check(null)
    expect(err).toContain(
      'flags.d.ts does not exist: write it with turnout types --env prod --out flags.d.ts',
    )
    expect(code).toBe(1)
  })

  test('says it to machines too', async () => {
    const { code, out } = await check(TYPES.replace("'new-feature'", "'old-feature'"), ['--json'])
    expect(JSON.parse(out)).toMatchObject({
      out: 'flags.d.ts',
      differences: ["+ new-feature  { value: boolean; variant: 'off' | 'on' }", '- old-feature'],
      error: expect.stringContaining('is out of date'),
    })
    expect(code).toBe(1)
  })

  test('needs the name of the file', async () => {
    const { code, err } = await turnout(['types', '--check'])
    expect(err).toContain('--check needs --out')
    expect(code).toBe(2)
  })
})
