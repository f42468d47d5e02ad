/**
 * JSON Schema of documents, for the OpenAPI page. `compile` is what checks them; this says the same to readers and code
 * generators, with the kinds and operators taken from the engine's own lists.
 */
import {
  BREAKER_DEFAULTS,
  DRAIN_MODES,
  FLAG_KINDS,
  HEALTH_DEFAULTS,
  OPERATORS,
  POOL_STRATEGIES,
  SPLIT_PAGES,
  STAGES,
} from '../../engine/index.ts'

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const strings = { type: 'array', items: { type: 'string' } }
const mapOf = (value: object) => ({ type: 'object', additionalProperties: value })
const object = (required: string[], properties: Record<string, object>, more: object = {}) => ({
  type: 'object',
  additionalProperties: false,
  ...(required.length > 0 ? { required } : {}),
  properties,
  ...more,
})

const KEY = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'
const key = { type: 'string', pattern: KEY }
const text = { type: 'string' }
const boolean = { type: 'boolean' }
const percent = { type: 'number', minimum: 0, maximum: 100, multipleOf: 0.001 }

/** What full and short flags have in common. */
const COMMON = {
  description: text,
  owner: text,
  tags: strings,
  kind: { type: 'string', enum: [...FLAG_KINDS] },
  expiresAt: { type: 'string', format: 'date-time' },
  enabled: { ...boolean, description: 'false: every evaluation serves `off`' },
  bucketBy: { ...text, default: 'targetingKey' },
  salt: { ...text, description: "Default: the flag's key" },
  client: { ...boolean, default: false, description: 'Visible to browsers' },
  metadata: mapOf({ type: ['string', 'number', 'boolean'] }),
}

const named = (description: string) => ({ ...text, description })

/** Where a targeting key comes from. */
const IDENTITY = {
  oneOf: [
    {
      type: 'string',
      enum: ['cookie', 'ip'],
      description: "`cookie`: Turnout's own, always there. `ip`: the client's address",
    },
    object(['header'], { header: named('Name of a header') }),
    object(['cookie'], { cookie: named('Name of a cookie of your own application') }),
    object(['query'], { query: named('Name of a query parameter') }),
    object(['jwt'], {
      jwt: object(
        ['issuer', 'jwksUrl', 'audience'],
        {
          issuer: named('`iss` of the token, exactly'),
          jwksUrl: named('Where the issuer publishes its keys; https'),
          audience: named('`aud` of the token, or one of them'),
          claim: {
            ...text,
            default: 'sub',
            description: 'Name of the claim whose value is the targeting key',
          },
          cookie: named('Cookie that holds the token, in place of a header'),
          header: { ...text, default: 'authorization', description: 'Header that holds the token' },
        },
        { description: 'A JSON Web Token, which the edge verifies. One that does not hold is no identity' },
      ),
    }),
  ],
}

export const EXAMPLE_FLAG = {
  enabled: true,
  rules: [
    { id: 'testers', when: { attribute: 'targetingKey', op: 'in', value: ['user1', 'user2'] }, serve: 'on' },
    { id: 'canary', percentage: 10, serve: 'on' },
  ],
  fallthrough: 'off',
}

export const EXAMPLE_ROUTE = {
  id: 'web',
  match: { path: '/*' },
  flag: 'web-canary',
  origins: { off: { url: 'https://stable.example.com' }, on: { url: 'https://canary.example.com' } },
  fallback: 'off',
  overrides: { header: { 'x-canary': { true: 'on' } } },
}

export const EXAMPLE_SEGMENT = {
  include: ['user1'],
  when: { attribute: 'email', op: 'endsWith', value: '@example.com' },
}

export const EXAMPLE_DOCUMENT = {
  flags: {
    CONDUIT_USE_REPOSITORY_PATTERN: true,
    'new-feature': { enabled: true, percentage: 50, allowlist: ['user1', 'user2'] },
    'web-canary': EXAMPLE_FLAG,
  },
  segments: { 'beta-testers': EXAMPLE_SEGMENT },
  routes: [EXAMPLE_ROUTE],
}

/** Component name → schema. */
export const DOCUMENT_SCHEMAS: Record<string, object> = {
  MergePatch: {
    description: 'JSON Merge Patch (RFC 7396): fields replace, `null` removes',
    type: 'object',
    additionalProperties: true,
  },
  FlagPatches: {
    ...mapOf({}),
    description: 'Flag key → merge patch of that flag; `null` deletes it',
  },
  FlagDocument: object(
    [],
    {
      flags: mapOf(ref('Flag')),
      segments: mapOf(ref('Segment')),
      routes: { type: 'array', items: ref('Route'), description: 'In order, first match wins' },
    },
    {
      description: 'A document without these fields is read as the map of flags.',
      examples: [EXAMPLE_DOCUMENT],
    },
  ),
  Flag: {
    oneOf: [ref('FullFlag'), ref('ShortFlag'), boolean, { type: 'string', enum: ['true', 'false'] }],
    examples: [EXAMPLE_FLAG, true],
  },
  FullFlag: object(['enabled', 'fallthrough'], {
    ...COMMON,
    variants: { ...mapOf({}), description: 'Values of one JSON type. Default: { "on": true, "off": false }' },
    off: { ...key, default: 'off' },
    prerequisites: {
      type: 'array',
      items: object(['flag', 'variants'], { flag: key, variants: { type: 'array', items: key } }),
    },
    rules: { type: 'array', items: ref('Rule') },
    fallthrough: ref('Serve'),
    migration: object(
      [],
      {
        pointOfNoReturn: {
          type: 'string',
          enum: [...STAGES],
          description: 'Who has reached this stage does not go back before it. Default: none',
        },
        binds: {
          ...mapOf({ type: 'array', items: key, minItems: 1 }),
          description: 'From there on these flags serve these variants only',
        },
      },
      { description: 'Of a flag of kind migration whose variants are all worth stages' },
    ),
  }),
  ShortFlag: object(['enabled'], {
    ...COMMON,
    percentage: percent,
    rolloutPercentage: percent,
    allowlist: strings,
    allowedUsers: strings,
    denylist: strings,
    countries: strings,
    continents: strings,
    regions: strings,
  }),
  Rule: object(['id', 'serve'], {
    id: text,
    description: text,
    when: ref('Condition'),
    percentage: { oneOf: [percent, object(['rollout'], { rollout: key })] },
    serve: ref('Serve'),
  }),
  Serve: {
    description: 'One variant, or a weight for each of several',
    oneOf: [key, mapOf({ type: 'number', minimum: 0 })],
  },
  Condition: {
    oneOf: [
      object(['all'], { all: { type: 'array', items: ref('Condition') } }),
      object(['any'], { any: { type: 'array', items: ref('Condition') } }),
      object(['not'], { not: ref('Condition') }),
      object(['segment'], { segment: key }),
      object(['attribute', 'op'], {
        attribute: text,
        op: { type: 'string', enum: [...OPERATORS] },
        value: {},
      }),
    ],
  },
  Segment: object(
    [],
    { description: text, include: strings, exclude: strings, when: ref('Condition') },
    { examples: [EXAMPLE_SEGMENT] },
  ),
  Route: object(
    ['id', 'match', 'flag', 'origins', 'fallback'],
    {
      id: key,
      description: text,
      match: object([], {
        host: text,
        path: text,
        methods: strings,
        headers: mapOf({ oneOf: [text, object(['glob'], { glob: text })] }),
      }),
      flag: { ...key, description: 'Its variants name the origins' },
      origins: mapOf(ref('Origin')),
      fallback: key,
      identity: {
        type: 'array',
        minItems: 1,
        items: IDENTITY,
        default: ['cookie'],
        description: 'Who the visitor is: the first source that exists',
      },
      identityTrusted: boolean,
      cookieDomain: text,
      overrides: object([], { header: mapOf(mapOf(key)) }),
      rewrite: object([], { stripPrefix: text, addPrefix: text }),
      timeoutMs: { type: 'integer', default: 10_000 },
      deadlineMs: { type: 'integer' },
      idempotent: boolean,
      maintenance: object(['flag'], {
        flag: key,
        status: { type: 'integer', enum: [503] },
        retryAfterSeconds: { type: 'integer', default: 60 },
        body: text,
      }),
      drain: object(
        ['mode'],
        {
          mode: { type: 'string', enum: [...DRAIN_MODES] },
          maxAgeSeconds: { type: 'integer', default: 300, description: 'Of `graceful` only' },
        },
        { description: 'Ends WebSockets and event streams whose visitor is served elsewhere now' },
      ),
      breaker: ref('Breaker'),
      debug: boolean,
      bootstrap: { ...boolean, description: 'Puts client-visible flags into HTML pages' },
      mirror: object(['variant', 'percentage'], {
        variant: { ...key, description: 'Gets copies of requests that another variant answered' },
        percentage: { type: 'number', minimum: 0, maximum: 100 },
        unsafeMethods: { ...boolean, default: false },
        ignore: { ...strings, description: 'JSON pointers of what may differ; `*` for each key or index' },
      }),
      cache: object([], {
        store: { ...boolean, default: false, description: 'Keeps responses at the edge, by RFC 9111' },
        ttlSeconds: {
          type: 'integer',
          minimum: 1,
          maximum: 31_536_000,
          description: 'Freshness of responses that do not say it themselves; only with store',
        },
        html: { type: 'string', enum: [...SPLIT_PAGES], default: 'private' },
        crossArmAssets: { ...boolean, default: true },
      }),
    },
    { examples: [EXAMPLE_ROUTE] },
  ),
  Origin: object([], {
    url: text,
    pool: {
      type: 'array',
      items: object(['url'], {
        url: text,
        region: text,
        continents: strings,
        countries: strings,
        priority: { type: 'integer' },
        role: { type: 'string', enum: ['active', 'passive'], default: 'active' },
        latencyThresholdMs: { type: 'integer' },
        weight: { type: 'number', default: 1 },
        health: ref('HealthCheck'),
      }),
    },
    strategy: { type: 'string', enum: [...POOL_STRATEGIES], default: 'geo' },
    priority: { type: 'integer' },
    fallback: { type: ['string', 'null'] },
    timeoutMs: { type: 'integer' },
    headers: mapOf(text),
    removeHeaders: strings,
    context: boolean,
    shareCredentials: boolean,
    breaker: ref('Breaker'),
    health: ref('HealthCheck'),
  }),
  HealthCheck: {
    description: 'How an address is checked from the control plane; false: it is not',
    oneOf: [
      { type: 'boolean', enum: [false] },
      object([], {
        path: { ...text, default: HEALTH_DEFAULTS.path, description: 'Appended to the URL' },
        periodMs: { type: 'integer', default: HEALTH_DEFAULTS.periodMs },
        timeoutMs: { type: 'integer', default: HEALTH_DEFAULTS.timeoutMs },
        failures: { type: 'integer', default: HEALTH_DEFAULTS.failures },
        successes: { type: 'integer', default: HEALTH_DEFAULTS.successes },
        expectedStatus: { type: 'integer', description: 'Default: any from 200 to 299' },
      }),
    ],
  },
  Breaker: {
    description: 'Changes to the settings of circuit breakers; false: none',
    oneOf: [
      { type: 'boolean', enum: [false] },
      object(
        [],
        Object.fromEntries(
          Object.entries(BREAKER_DEFAULTS).map(([name, value]) => [name, { type: 'number', default: value }]),
        ),
      ),
    ],
  },
}
