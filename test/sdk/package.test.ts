/** The package as it is published: what somebody gets who installs it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { installPackage } from './consumer.ts'

const { packageFolder: folder, run, compile } = await installPackage()

// biome-ignore lint/suspicious/noExplicitAny: a test looks wherever it likes
const manifest = (): any => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

const filesOf = (ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending))

describe('the package', () => {
  it('can be published, has no dependencies, no side effects, and modules only', () => {
    const { name, type, sideEffects, dependencies, private: isPrivate, license } = manifest()
    expect({ name, type, sideEffects, dependencies, isPrivate, license }).toStrictEqual({
      name: '@turnout/sdk',
      type: 'module',
      sideEffects: false,
      dependencies: undefined,
      isPrivate: undefined,
      license: 'MIT',
    })
    for (const file of ['LICENSE', 'README.md']) expect(existsSync(join(folder, file)), file).toBe(true)
  })

  it('has a module and types at every address', () => {
    const { '.': main, ...others } = manifest().exports as Record<string, Record<string, unknown>>
    expect(Object.keys(others)).toEqual(
      expect.arrayContaining([
        './client',
        './remote',
        './outcomes',
        './request',
        './middleware',
        './testing',
      ]),
    )
    expect(Object.keys(others)).toEqual(expect.arrayContaining(['./disk', './storage', './worker']))
    const conditions = Object.entries(main!).map(([name, entry]) => [`. ${name}`, entry] as const)
    for (const [name, entry] of [...Object.entries(others), ...conditions]) {
      const { types, default: module } = entry as { types: string; default: string }
      expect(existsSync(join(folder, types)), `${name}: ${types}`).toBe(true)
      expect(existsSync(join(folder, module)), `${name}: ${module}`).toBe(true)
    }
  })

  it('is the client without a background where code lives only while it serves', () => {
    const { '.': main } = manifest().exports as Record<string, Record<string, { default: string }>>
    const modules = Object.entries(main!).map(([condition, { default: module }]) => [condition, module])
    expect(modules).toStrictEqual([
      ['workerd', './sdk/worker.js'],
      ['edge-light', './sdk/worker.js'],
      ['node', './sdk/node/index.js'],
      ['default', './sdk/index.js'],
    ])
    for (const module of ['sdk/index.js', 'sdk/worker.js'])
      expect(readFileSync(join(folder, module), 'utf8')).not.toContain('node:')
  })

  it('imports nothing but itself and optional peers', () => {
    const foreign = filesOf('.js').flatMap((file) =>
      Array.from(
        readFileSync(join(folder, file), 'utf8').matchAll(/\b(?:from|import)\s*\(?"([^"]+)"/g),
        ([, from]) => from!,
      ),
    )
    expect(
      foreign.filter((from) => !/^(\.{1,2}\/|@openfeature\/|react(\/|$)|node:)/.test(from)),
    ).toStrictEqual([])
  })

  it('runs in Node as it is', () => {
    const script = `
      import { createRemoteClient } from '@turnout/sdk/remote'
      import { fromRequest } from '@turnout/sdk/request'
      import { reportOutcomes } from '@turnout/sdk/outcomes'
      import { withFlags } from '@turnout/sdk/middleware'
      import { migration } from '@turnout/sdk/migration'
      import { createTestClient } from '@turnout/sdk/testing'
      import { createClient } from '@turnout/sdk'
      import { createClient as createWorkerClient } from '@turnout/sdk/worker'
      import { diskStorage } from '@turnout/sdk/disk'
      import { storage } from '@turnout/sdk/storage'
      const away = { url: 'http://127.0.0.1:9', key: 'tk_server_x' }
      console.warn = () => {}
      const local = createClient({ ...away, storage: diskStorage('none/such') })
      const passive = createWorkerClient({ ...away, storage: storage({ read: () => null, write: () => {} }) })
      await Promise.all([local.ready, passive.ready])
      const flags = createRemoteClient({ url: 'http://127.0.0.1:9', bootstrap: { flags: [{ key: 'a', value: 3, variant: 'v', reason: 'STATIC' }] } })
      const request = await fromRequest(new Request('http://shop.example.com'), 'key')
      reportOutcomes(flags, { url: 'http://127.0.0.1:9' }).close()
      console.log(flags.number('a', 0), request.boolean('a', true), typeof withFlags, typeof migration, createTestClient({ flags: { a: 7 } }).number('a', 0))
      console.log(local.number('a', 4), passive.number('a', 5))
      flags.close()`
    expect(run(script)).toBe('3 true function function 7\n4 5')
  })

  it.each([
    ['compiles against its types', "flags.boolean('a', false)", {}],
    [
      'refuses a default of another type',
      "flags.boolean('a', 'no')",
      { 'use.ts': ["Argument of type 'string' is not assignable to parameter of type 'boolean'."] },
    ],
  ])('%s', (_, check, complaints) => {
    const source = `
      import { createRemoteClient, type RemoteClient } from '@turnout/sdk/remote'
      import { fromRequest } from '@turnout/sdk/request'
      import { createClient, type LocalClient } from '@turnout/sdk'
      import { diskStorage } from '@turnout/sdk/disk'
      export const local: LocalClient = createClient({ url: 'https://www.example.com', key: 'k', storage: diskStorage('flags') })
      export const flags: RemoteClient = createRemoteClient({ url: 'https://www.example.com', context: { targetingKey: 'ada' } })
      export const answer: boolean = ${check}
      export const variant = async (request: Request): Promise<string | undefined> =>
        (await fromRequest(request, ['a', 'b'], { audience: 'shop.example.com' })).signed?.variant`
    expect(compile({ 'use.ts': source })).toStrictEqual(complaints)
  })
})
