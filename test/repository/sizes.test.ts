/**
 * Byte budgets. What the edge deploys and what evaluates a flag stay small: every cold start pays for them. The bundles
 * are made here the way the deployment makes them, so that no stale build is measured.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { readToml } from '../../local/toml.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Bundle {
  bytes: Uint8Array
  /** Source file → bytes of it that are in the bundle. */
  inputs: Metafile['outputs'][string]['inputs']
}

async function bundle(options: BuildOptions): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    logLevel: 'silent',
    outfile: 'bundle.js',
    ...options,
  })
  return { bytes: outputFiles![0]!.contents, inputs: Object.values(metafile!.outputs)[0]!.inputs }
}

/** What wrangler does with `[alias]` of a Worker's configuration. */
function aliasesOf(folder: string): Plugin {
  const { alias = {} } = readToml(join(root, folder, 'wrangler.toml'), folder) as {
    alias?: Record<string, string>
  }
  return {
    name: 'alias',
    setup: ({ onResolve }) =>
      onResolve({ filter: /.*/ }, ({ path }) =>
        alias[path] === undefined ? null : { path: join(root, folder, alias[path]) },
      ),
  }
}

const controlPlane = (): Promise<Bundle> =>
  bundle({ entryPoints: ['admin/index.ts'], plugins: [aliasesOf('admin')] })

const gzip = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length
const brotli = (bytes: Uint8Array): number =>
  brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length

const kibibytes = (bytes: number): string => `${(bytes / 1024).toFixed(2)} KiB`

/** The five largest parts of a bundle, to find what grew. */
const largest = ({ inputs }: Bundle): string =>
  Object.entries(inputs)
    .sort(([, one], [, other]) => other.bytesInOutput - one.bytesInOutput)
    .slice(0, 5)
    .map(([file, { bytesInOutput }]) => `${file} ${bytesInOutput}`)
    .join(', ')

const EDGE_KB = 40
const CONTROL_PLANE_KB = 350
const EVALUATING_KB = 4.5

describe('the edge', () => {
  it(`deploys a bundle of at most ${EDGE_KB} KB gzip`, async () => {
    const edge = await bundle({ entryPoints: ['worker/index.ts'] })
    const size = gzip(edge.bytes)
    console.log(
      `edge bundle: ${kibibytes(edge.bytes.length)} minified, ${kibibytes(size)} gzip; largest: ${largest(edge)}`,
    )
    expect(size).toBeLessThanOrEqual(EDGE_KB * 1024)
  })

  it('deploys no compiler and nothing of the control plane', async () => {
    const { inputs } = await bundle({ entryPoints: ['worker/index.ts'] })
    const present = Object.keys(inputs).filter((file) => inputs[file]!.bytesInOutput > 0)
    expect(
      present.filter((file) => /^engine\/compile\.ts$|^admin\/|node_modules\/zod\//.test(file)),
    ).toStrictEqual([])
  })
})

describe('the control plane', () => {
  it(`deploys a bundle of at most ${CONTROL_PLANE_KB} KB gzip, all three AWS clients in it`, async () => {
    const admin = await controlPlane()
    const size = gzip(admin.bytes)
    console.log(
      `control plane: ${kibibytes(admin.bytes.length)} minified, ${kibibytes(size)} gzip; largest: ${largest(admin)}`,
    )
    expect(size).toBeLessThanOrEqual(CONTROL_PLANE_KB * 1024)
  })

  it('has of each AWS client the commands that it calls, and no other', async () => {
    const { inputs } = await controlPlane()
    const clients = Object.keys(inputs).filter((file) => inputs[file]!.bytesInOutput > 0)
    for (const client of ['ssm', 'appconfig', 'appconfigdata'])
      expect(clients.some((file) => file.includes(`/client-${client}/`))).toBe(true)
    const commands = clients.flatMap((file) => /\/client-\w+\/.*\/(\w+)Command\.js$/.exec(file)?.[1] ?? [])
    expect(commands).toContain('PutParameter')
    expect(commands).not.toContain('SendCommand')
    expect(commands.length).toBeLessThanOrEqual(20)
  })

  it('says what is wrong in English, and in no other language', async () => {
    const { inputs } = await controlPlane()
    const languages = Object.keys(inputs).filter((file) => /zod\/v4\/locales\//.test(file))
    expect(languages.map((file) => file.split('/').at(-1))).toStrictEqual(['en.js'])
  })
})

describe('AWS', () => {
  it('is no part of the edge: neither its clients, nor the names of its credentials', async () => {
    const edge = await bundle({ entryPoints: ['worker/index.ts'] })
    const present = Object.keys(edge.inputs).filter((file) => edge.inputs[file]!.bytesInOutput > 0)
    expect(
      present.filter((file) => /@aws-sdk|@smithy|storage\/(?:ssm|appconfig|aws)/.test(file)),
    ).toStrictEqual([])
    expect(new TextDecoder().decode(edge.bytes)).not.toMatch(/AWS_|SECRET_ACCESS/)
  })
})

describe('the evaluating half of the engine', () => {
  const contents = "export { prepare, evaluate, evaluateAll, decodeSnapshot } from './engine/index.ts'"

  it(`is at most ${EVALUATING_KB} KB brotli`, async () => {
    const half = await bundle({ stdin: { contents, resolveDir: root } })
    const size = brotli(half.bytes)
    console.log(
      `evaluating half: ${kibibytes(half.bytes.length)} minified, ${kibibytes(size)} brotli; largest: ${largest(half)}`,
    )
    expect(size).toBeLessThanOrEqual(EVALUATING_KB * 1024)
  })

  it('holds no compiler', async () => {
    const { inputs } = await bundle({ stdin: { contents, resolveDir: root } })
    const present = Object.keys(inputs).filter((file) => inputs[file]!.bytesInOutput > 0)
    expect(present).not.toContain('engine/compile.ts')
    expect(present).toContain('engine/evaluate.ts')
  })
})

/** What README and docs/sdk.md promise. */
const REMOTE_CLIENT_KB = 1.5
const WITH_OUTCOMES_KB = 2.3
const REACT_KB = 0.6
const OPENFEATURE_KB = 1.1
const LOCAL_CLIENT_KB = 6
const MIGRATION_KB = 1.1

describe('the local client', () => {
  it.each([
    ['for processes', 'sdk/index.ts'],
    ['for Workers', 'sdk/worker.ts'],
  ])(`%s is at most ${LOCAL_CLIENT_KB} KB brotli with all that evaluates a flag`, async (_, entry) => {
    const contents = `
      import { createClient } from './${entry}'
      const flags = createClient({ url: 'https://www.example.com', key: 'tk_server_x' })
      await flags.ready
      console.log(flags.boolean('new-feature', false, { targetingKey: 'user-1' }))`
    const made = await bundle({ stdin: { contents, resolveDir: root } })
    const size = brotli(made.bytes)
    console.log(`${entry}: ${made.bytes.length} bytes minified, ${size} brotli; largest: ${largest(made)}`)
    expect(size).toBeLessThanOrEqual(LOCAL_CLIENT_KB * 1024)
    expect(Object.keys(made.inputs)).toContain('engine/evaluate.ts')
  })
})

describe('the remote client', () => {
  const page = async (contents: string, options: BuildOptions = {}) => {
    const made = await bundle({ stdin: { contents, resolveDir: root }, conditions: ['browser'], ...options })
    return { bytes: brotli(made.bytes), minified: made.bytes.length, inputs: Object.keys(made.inputs) }
  }
  const CLIENT = `
    import { createRemoteClient } from './sdk/remote.ts'
    const flags = createRemoteClient({ url: 'https://www.example.com', context: { targetingKey: 'user-1' } })
    await flags.ready
    document.body.hidden = flags.boolean('new-feature', false)`

  it(`is at most ${REMOTE_CLIENT_KB} KB brotli with all that a page needs to ask for a flag`, async () => {
    const { bytes, minified, inputs } = await page(CLIENT)
    console.log(`remote client: ${minified} bytes minified, ${bytes} brotli`)
    expect(bytes).toBeLessThanOrEqual(REMOTE_CLIENT_KB * 1024)
    expect(inputs).toStrictEqual(['sdk/remote.ts', '<stdin>'])
  })

  it(`is at most ${WITH_OUTCOMES_KB} KB with outcomes`, async () => {
    const outcomes = `
      import { reportOutcomes } from './sdk/outcomes.ts'
      reportOutcomes(flags, { url: 'https://www.example.com' }).report('new-feature', 'ok')`
    const { bytes, minified } = await page(CLIENT + outcomes)
    console.log(`remote client and outcomes: ${minified} bytes minified, ${bytes} brotli`)
    expect(bytes).toBeLessThanOrEqual(WITH_OUTCOMES_KB * 1024)
  })

  it.each([
    [
      'React',
      REACT_KB,
      "import { TurnoutProvider, useFlag } from './sdk/react.tsx'\nexport { TurnoutProvider, useFlag }",
    ],
    [
      'OpenFeature in a browser',
      OPENFEATURE_KB,
      "import { TurnoutWebProvider } from './sdk/openfeature-web.ts'\nexport { TurnoutWebProvider }",
    ],
  ])(`grows for %s by at most %s KB, without the peer`, async (_, budgetKb, adapter) => {
    const alone = await page(CLIENT)
    const external = { external: ['react', 'react/*', '@openfeature/*'] }
    const { bytes, minified } = await page(`${CLIENT}\n${adapter}`, external)
    console.log(`remote client and adapter: ${minified} bytes minified, ${bytes} brotli`)
    expect(bytes - alone.bytes).toBeLessThanOrEqual(budgetKb * 1024)
  })

  it(`has migrations beside it in at most ${MIGRATION_KB} KB`, async () => {
    const contents = "export { migration } from './sdk/migration.ts'"
    const { bytes, minified, inputs } = await page(contents)
    console.log(`migrations: ${minified} bytes minified, ${bytes} brotli`)
    expect(bytes).toBeLessThanOrEqual(MIGRATION_KB * 1024)
    expect(inputs.toSorted()).toStrictEqual(['<stdin>', 'engine/stages.ts', 'sdk/migration.ts'])
  })

  it('is as small as the pages say', () => {
    const page = (name: string) => readFileSync(join(root, name), 'utf8')
    expect(page('README.md')).toContain(`${REMOTE_CLIENT_KB} KB`)
    expect(page('docs/sdk.md')).toContain(`${REMOTE_CLIENT_KB} KB`)
    for (const kilobytes of [WITH_OUTCOMES_KB, REACT_KB, OPENFEATURE_KB])
      expect(page('docs/sdk.md')).toContain(`${kilobytes} KB`)
    expect(page('docs/migrations.md')).toContain(`${MIGRATION_KB} KB`)
    for (const name of ['README.md', 'docs/sdk.md']) expect(page(name)).toContain(` ${LOCAL_CLIENT_KB} KB`)
    for (const kilobytes of [
      `bundle ${EDGE_KB}`,
      `control plane ${CONTROL_PLANE_KB}`,
      `engine ${EVALUATING_KB}`,
    ])
      expect(page('docs/architecture.md').replaceAll('\n', ' ')).toContain(`${kilobytes} KB`)
  })
})
