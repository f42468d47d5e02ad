/** The programs of the size benchmark: each starts a client and reads one boolean, as its vendor's own pages do it. */

export interface Program {
  readonly title: string
  /** Whose versions are named; none is Turnout's own. */
  readonly packages: readonly string[]
  readonly source: string
}

const turnout = (title: string, source: string): Program => ({ title, packages: [], source })

/** In a page: answers come from a service, or rules do. */
export const PAGES: readonly Program[] = [
  turnout(
    'Turnout remote client',
    `import { createRemoteClient } from '../../sdk/remote.ts'
     const flags = createRemoteClient({ url: 'https://www.example.com', key: 'k', context: { targetingKey: 'u' } })
     await flags.ready
     console.log(flags.boolean('a', false))`,
  ),
  turnout(
    'the same, with outcomes',
    `import { createRemoteClient } from '../../sdk/remote.ts'
     import { reportOutcomes } from '../../sdk/outcomes.ts'
     const flags = createRemoteClient({ url: 'https://www.example.com', key: 'k', context: { targetingKey: 'u' } })
     const outcomes = reportOutcomes(flags, { url: 'https://www.example.com', key: 'k' })
     await flags.ready
     console.log(flags.boolean('a', false))
     outcomes.report('a', 'ok')`,
  ),
  {
    title: 'OpenFeature web SDK, no provider',
    packages: ['@openfeature/web-sdk'],
    source: `import { OpenFeature } from '@openfeature/web-sdk'
      console.log(OpenFeature.getClient().getBooleanValue('a', false))`,
  },
  {
    title: 'OpenFeature web SDK and OFREP',
    packages: ['@openfeature/web-sdk', '@openfeature/ofrep-web-provider'],
    source: `import { OpenFeature } from '@openfeature/web-sdk'
      import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'
      await OpenFeature.setProviderAndWait(new OFREPWebProvider({ baseUrl: 'https://www.example.com' }), { targetingKey: 'u' })
      console.log(OpenFeature.getClient().getBooleanValue('a', false))`,
  },
  {
    title: 'Unleash',
    packages: ['unleash-proxy-client'],
    source: `import { UnleashClient } from 'unleash-proxy-client'
      const client = new UnleashClient({ url: 'https://www.example.com', clientKey: 'k', appName: 'a', context: { userId: 'u' } })
      await client.start()
      console.log(client.isEnabled('a'))`,
  },
  {
    title: 'Flagsmith',
    packages: ['flagsmith'],
    source: `import flagsmith from 'flagsmith'
      await flagsmith.init({ environmentID: 'k', identity: 'u' })
      console.log(flagsmith.hasFeature('a'))`,
  },
  {
    title: 'GrowthBook',
    packages: ['@growthbook/growthbook'],
    source: `import { GrowthBook } from '@growthbook/growthbook'
      const client = new GrowthBook({ apiHost: 'https://www.example.com', clientKey: 'k', attributes: { id: 'u' } })
      await client.init()
      console.log(client.isOn('a'))`,
  },
  {
    title: 'LaunchDarkly',
    packages: ['@launchdarkly/js-client-sdk'],
    source: `import { createClient } from '@launchdarkly/js-client-sdk'
      const client = createClient('k', { kind: 'user', key: 'u' })
      await client.start()
      console.log(client.boolVariation('a', false))`,
  },
  {
    title: 'LaunchDarkly, before its version 4',
    packages: ['launchdarkly-js-client-sdk'],
    source: `import { initialize } from 'launchdarkly-js-client-sdk'
      const client = initialize('k', { kind: 'user', key: 'u' })
      await client.waitForInitialization(5)
      console.log(client.variation('a', false))`,
  },
  {
    title: 'ConfigCat',
    packages: ['@configcat/sdk'],
    source: `import { getClient } from '@configcat/sdk'
      console.log(await getClient('k').getValueAsync('a', false, { identifier: 'u' }))`,
  },
  {
    title: 'Statsig',
    packages: ['@statsig/js-client'],
    source: `import { StatsigClient } from '@statsig/js-client'
      const client = new StatsigClient('k', { userID: 'u' })
      await client.initializeAsync()
      console.log(client.checkGate('a'))`,
  },
  {
    title: 'DevCycle',
    packages: ['@devcycle/js-client-sdk'],
    source: `import { initializeDevCycle } from '@devcycle/js-client-sdk'
      const client = initializeDevCycle('k', { user_id: 'u' })
      await client.onClientInitialized()
      console.log(client.variableValue('a', false))`,
  },
  {
    title: 'Split',
    packages: ['@splitsoftware/splitio-browserjs'],
    source: `import { SplitFactory } from '@splitsoftware/splitio-browserjs'
      const client = SplitFactory({ core: { authorizationKey: 'k', key: 'u' } }).client()
      client.on(client.Event.SDK_READY, () => console.log(client.getTreatment('a') === 'on'))`,
  },
  {
    title: 'PostHog',
    packages: ['posthog-js'],
    source: `import posthog from 'posthog-js'
      posthog.init('k', { api_host: 'https://www.example.com' })
      posthog.onFeatureFlags(() => console.log(posthog.isFeatureEnabled('a')))`,
  },
]

/** In a Worker: rules come from a service, and are evaluated there. */
export const WORKERS: readonly Program[] = [
  turnout(
    'Turnout local client, for processes',
    `import { createClient } from '../../sdk/index.ts'
     const flags = createClient({ url: 'https://www.example.com', key: 'k' })
     await flags.ready
     console.log(flags.boolean('a', false, { targetingKey: 'u' }))`,
  ),
  turnout(
    'Turnout local client, for Workers',
    `import { createClient } from '../../sdk/worker.ts'
     const flags = createClient({ url: 'https://www.example.com', key: 'k' })
     await flags.ready
     console.log(flags.boolean('a', false, { targetingKey: 'u' }))`,
  ),
  {
    title: 'GrowthBook',
    packages: ['@growthbook/growthbook'],
    source: `import { GrowthBookClient } from '@growthbook/growthbook'
      const client = new GrowthBookClient({ apiHost: 'https://www.example.com', clientKey: 'k' })
      await client.init()
      console.log(client.isOn('a', { attributes: { id: 'u' } }))`,
  },
  {
    title: 'Vercel flags-core',
    packages: ['@vercel/flags-core'],
    source: `import { createClient } from '@vercel/flags-core'
      const client = createClient('k')
      await client.initialize()
      console.log((await client.evaluate('a', false, { user: { id: 'u' } })).value)`,
  },
  {
    title: 'ConfigCat',
    packages: ['@configcat/sdk'],
    source: `import { getClient } from '@configcat/sdk'
      console.log(await getClient('k').getValueAsync('a', false, { identifier: 'u' }))`,
  },
  {
    title: 'flagd-core, without a client',
    packages: ['@openfeature/flagd-core'],
    source: `import { FlagdCore } from '@openfeature/flagd-core'
      const core = new FlagdCore()
      core.setConfigurations(await (await fetch('https://www.example.com/flags.json')).text())
      console.log(core.resolveBooleanEvaluation('a', false, { targetingKey: 'u' }, console).value)`,
  },
  {
    title: 'LaunchDarkly',
    packages: ['@launchdarkly/cloudflare-server-sdk'],
    source: `import { init } from '@launchdarkly/cloudflare-server-sdk'
      export default {
        async fetch(request, env) {
          const client = init('k', env.LD_KV)
          await client.waitForInitialization()
          return Response.json(await client.boolVariation('a', { kind: 'user', key: 'u' }, false))
        },
      }`,
  },
]
