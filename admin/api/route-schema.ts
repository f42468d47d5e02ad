/** JSON Schema of routes and their origins: a part of that of documents. */
import {
  BREAKER_DEFAULTS,
  DRAIN_MODES,
  HEALTH_DEFAULTS,
  POOL_STRATEGIES,
  SPLIT_PAGES,
} from '../../engine/index.ts'
import { EXAMPLE_ROUTE } from './document-examples.ts'
import { boolean, key, mapOf, object, ref, strings, text } from './json-schema.ts'

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

/** Component name → schema. */
export const ROUTE_SCHEMAS: Record<string, object> = {
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
