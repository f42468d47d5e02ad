/**
 * JSON Schema of documents, for the OpenAPI page. `compile` is what checks them; this says the same to readers and code
 * generators, with the kinds and operators taken from the engine's own lists.
 */
import { FLAG_KINDS, OPERATORS, STAGES } from '../../engine/index.ts'
import { EXAMPLE_DOCUMENT, EXAMPLE_FLAG, EXAMPLE_SEGMENT } from './document-examples.ts'
import { boolean, key, mapOf, object, percent, ref, strings, text } from './json-schema.ts'
import { ROUTE_SCHEMAS } from './route-schema.ts'

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
  ...ROUTE_SCHEMAS,
}
