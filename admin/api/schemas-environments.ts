/** Bodies about environments. */
import { z } from '@hono/zod-openapi'
import { STORES } from '../config/store-config.ts'
import { ENVIRONMENT_NAME } from '../settings.ts'
import { EXAMPLES } from './examples.ts'
import { IssueSchema, time, version } from './schemas.ts'

const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

export const SettingsBody = z
  .strictObject({
    open: z.boolean().default(false).openapi({
      description: 'Everybody may evaluate every flag without a key. Local runs only.',
    }),
    edgeHosts: z
      .array(z.string().regex(HOST, 'must be a host name in lower case, without scheme or port'))
      .max(100)
      .default([])
      .openapi({ description: "Host names of the environment's own edge, refused as origins" }),
    tier: z
      .int()
      .min(1)
      .max(9)
      .nullable()
      .default(null)
      .openapi({ description: 'How much depends on it: 1 is the most', example: 1 }),
    promotesTo: z
      .string()
      .regex(ENVIRONMENT_NAME, 'must be the name of an environment')
      .nullable()
      .default(null)
      .openapi({ description: 'Where its flags are promoted to by default', example: 'staging' }),
    approvals: z
      .int()
      .min(0)
      .max(5)
      .default(0)
      .openapi({ description: 'How many others must approve a change that raises exposure', example: 1 }),
    drillEveryMinutes: z
      .int()
      .min(5)
      .max(44_640)
      .nullable()
      .default(null)
      .openapi({ description: 'How often a drill measures how fast a kill lands', example: 1440 }),
  })
  .openapi('EnvironmentSettings', { example: { open: false, edgeHosts: ['www.example.com'] } })

const listedEnvironment = {
  name: z.string().openapi({ example: 'media-register.prod' }),
  open: z.boolean(),
  edgeHosts: z.array(z.string()),
  tier: z.int().nullable(),
  promotesTo: z.string().nullable(),
  approvals: z.int(),
  drillEveryMinutes: z.int().nullable(),
  revision: version.openapi({ description: 'Version in which the settings last changed: the ETag' }),
  createdAt: time,
}

export const ListedEnvironmentSchema = z
  .object(listedEnvironment)
  .openapi('ListedEnvironment', { example: EXAMPLES.listedEnvironment })

const StoreSchema = z
  .object({
    kind: z.enum(STORES).openapi({ description: 'What the control plane was started with as STORE' }),
    place: z.string().nullable().openapi({ description: 'Where in AWS the document lives' }),
    status: z.enum(['ok', 'degraded']).openapi({
      description: '`degraded`: what was last read and valid is served, until AWS is well again',
    }),
    problem: z.string().nullable().openapi({ description: 'What is wrong, in one line' }),
    errors: z.array(IssueSchema).openapi({ description: 'What is not valid in AWS' }),
    warnings: z.array(IssueSchema).openapi({ description: 'What is strange there, but harms nothing' }),
    since: time.nullable().openapi({ description: 'Since when something is wrong' }),
    checkedAt: time.nullable().openapi({ description: 'When AWS was last looked at' }),
    okAt: time.nullable().openapi({ description: 'When all was well there the last time' }),
  })
  .openapi('Store', { example: EXAMPLES.environment.store })

export const EnvironmentSchema = z
  .object({
    ...listedEnvironment,
    epoch: z.int().openapi({ description: 'Minted at creation and at every restore; only grows' }),
    version: version.openapi({ description: 'Version of the current snapshot and document' }),
    killsVersion: z.int().min(0).openapi({ description: 'Version of the kill list' }),
    store: StoreSchema,
  })
  .openapi('Environment', { example: EXAMPLES.environment })
