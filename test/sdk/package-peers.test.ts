/** The package beside its peers: what somebody gets who uses OpenFeature or React. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PROJECT_ROOT } from '../../local/build.ts'
import { installPackage } from './consumer.ts'

const { packageFolder, run, compile } = await installPackage([
  ...['server-sdk', 'web-sdk', 'core'].map((name) => `@openfeature/${name}`),
  ...['react', 'react-dom', '@types/react', '@types/react-dom', 'csstype'],
])

describe('the package', () => {
  it('names its peers, and none that must be there', () => {
    const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
      readFileSync(join(packageFolder, 'package.json'), 'utf8'),
    )
    expect(dependencies).toBeUndefined()
    expect(Object.keys(peerDependencies)).toStrictEqual([
      '@openfeature/server-sdk',
      '@openfeature/web-sdk',
      'react',
    ])
    for (const name of Object.keys(peerDependencies)) {
      expect(peerDependenciesMeta[name], name).toStrictEqual({ optional: true })
      // The oldest that is promised is the one that is tested.
      const { version } = JSON.parse(
        readFileSync(join(PROJECT_ROOT, 'node_modules', name, 'package.json'), 'utf8'),
      )
      expect(peerDependencies[name].split('.')[0]).toBe(`^${version.split('.')[0]}`)
    }
  })

  it('answers OpenFeature on a server and in a browser', () => {
    const flags = "flags: [{ key: 'a', value: 3, variant: 'v', reason: 'STATIC' }]"
    const printed = run(`
      import { OpenFeature as OnServer } from '@openfeature/server-sdk'
      import { OpenFeature as InBrowser } from '@openfeature/web-sdk'
      import { createRemoteClient } from '@turnout/sdk/remote'
      import { TurnoutServerProvider } from '@turnout/sdk/openfeature-server'
      import { TurnoutWebProvider } from '@turnout/sdk/openfeature-web'
      const options = { url: 'http://127.0.0.1:9', bootstrap: { ${flags} } }
      await OnServer.setProviderAndWait(new TurnoutServerProvider(createRemoteClient(options)))
      await InBrowser.setProviderAndWait(new TurnoutWebProvider(options))
      console.log(await OnServer.getClient().getNumberValue('a', 0), InBrowser.getClient().getNumberValue('a', 0))
      await OnServer.close()
      await InBrowser.close()`)
    expect(printed).toBe('3 3')
  })

  it('renders on a server, and says that its hooks are for clients', () => {
    const printed = run(`
      import { createElement } from 'react'
      import { renderToString } from 'react-dom/server'
      import { createTestClient } from '@turnout/sdk/testing'
      import { TurnoutProvider, useFlag } from '@turnout/sdk/react'
      const Title = () => createElement('h1', null, useFlag('title', 'none'))
      const client = createTestClient({ flags: { title: 'Shop' } })
      console.log(renderToString(createElement(TurnoutProvider, { client }, createElement(Title))))`)
    expect(printed).toBe('<h1>Shop</h1>')
    expect(readFileSync(join(packageFolder, 'sdk/react.js'), 'utf8')).toMatch(/^"use client";/)
  })

  it('knows keys, values and variants where the flags have types', () => {
    const types = `
      import '@turnout/sdk/client'
      declare module '@turnout/sdk/client' {
        interface Flags {
          'new-feature': { value: boolean; variant: 'on' | 'off' }
          checkout: { value: 'v1' | 'v2'; variant: 'stable' | 'canary' }
          retry: { value: { times: number }; variant: 'gentle' }
        }
      }`
    const lines = [
      "const isOn: boolean = useFlag('new-feature', false)",
      "const version: 'v1' | 'v2' = useFlag('checkout', 'v1')",
      "const times: number = useFlag('retry', { times: 3 }).times",
      "const variant: 'stable' | 'canary' | undefined = useFlagDetails('checkout', 'v1').variant",
      "useFlag('new-faeture', false)",
      "useFlag('checkout', false)",
      "useFlag('checkout', 'v3')",
      "const variant: 'a' | undefined = useFlagDetails('checkout', 'v1').variant",
    ]
    const files = lines.map((line, at) => [
      `line-${at}.ts`,
      `import { useFlag, useFlagDetails } from '@turnout/sdk/react'\n{ ${line} }\nexport {}`,
    ])
    const complaints = compile({ ...Object.fromEntries(files), 'flags.d.ts': types })
    expect(Object.keys(complaints).toSorted()).toStrictEqual([4, 5, 6, 7].map((at) => `line-${at}.ts`))
  })

  it('compiles with the types of its peers, and refuses a default of another type', () => {
    const used = (of: string) => `
      import { OpenFeature } from '@openfeature/server-sdk'
      import { OpenFeature as Web } from '@openfeature/web-sdk'
      import { createElement } from 'react'
      import { createClient } from '@turnout/sdk'
      import { createRemoteClient } from '@turnout/sdk/remote'
      import { reportOutcomes } from '@turnout/sdk/outcomes'
      import { TurnoutServerProvider } from '@turnout/sdk/openfeature-server'
      import { TurnoutWebProvider } from '@turnout/sdk/openfeature-web'
      import { TurnoutProvider, useFlag, useFlagDetails } from '@turnout/sdk/react'
      const at = { url: 'https://www.example.com', key: 'tk_client_x' }
      const client = createRemoteClient(at)
      const local = createClient(at)
      OpenFeature.setProvider(new TurnoutServerProvider(local, { outcomes: reportOutcomes(local, at) }))
      Web.setProvider(new TurnoutWebProvider({ ...at, outcomes: reportOutcomes }))
      const Title = () => {
        const isOn: boolean = useFlag('new-checkout', ${of})
        const title: string = useFlag('title', 'Shop')
        const { value, variant } = useFlagDetails('limit', 3)
        const { dark } = useFlag('theme', { dark: false })
        return createElement('h1', { hidden: !isOn || dark, tabIndex: value, id: variant }, title)
      }
      export const page = createElement(TurnoutProvider, { client, suspend: true }, createElement(Title))`
    // OpenFeature's own types want those of Node, which a program on a server has.
    const complaints = (of: string) =>
      Object.keys(compile({ 'use.ts': used(of) })).filter(
        (file) => !file.includes('node_modules/@openfeature'),
      )
    expect(complaints('false')).toStrictEqual([])
    expect(complaints("'no'")).toStrictEqual(['use.ts'])
  })
})
