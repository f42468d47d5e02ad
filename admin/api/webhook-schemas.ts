/** Bodies about webhooks: what is accepted, checked to the last field, and what is answered. Never a secret but a new one. */
import { z } from '@hono/zod-openapi'
import { ACTIONS, EVENTS_ALONE } from '../audit/actions.ts'
import { nearest } from '../nearest.ts'
import { DELIVERY_STATUSES } from '../storage/deliveries.ts'
import { FORMATS } from '../webhook/definition.ts'
import { matches } from '../webhook/filter.ts'
import { EXAMPLES } from './examples.ts'
import { time } from './schemas.ts'

/** Most patterns of one list. */
const MAX_PATTERNS = 50

const pattern = (shape: RegExp, error: string) => z.string().regex(shape, { error, abort: true })

const patterns = (one: z.ZodString, description: string, example: string[]) =>
  z.array(one).min(1).max(MAX_PATTERNS).openapi({ description, example })

const EVENTS: readonly string[] = [...ACTIONS, ...EVENTS_ALONE]

/** A pattern that lets nothing through is a slip, and would be found out when nobody is called. */
const deaf = (given: unknown): string => {
  const meant = nearest(String(given), EVENTS)
  return `matches no action that there is${meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`}`
}

const settings = {
  name: z.string().trim().min(1).max(100).openapi({ example: 'on-call channel' }),
  events: patterns(
    pattern(
      /^[a-z0-9*][a-z0-9.*_-]{0,99}$/,
      'must be an action such as "kill.placed", or a pattern such as "kill.*"',
    ).refine((events) => EVENTS.some((event) => matches(events, event)), {
      error: ({ input }) => deaf(input),
    }),
    'Actions of the audit log that it hears of, and `origin.unhealthy`, `origin.healthy`, `origin.unchecked` of health checks; `*` stands for any characters. Default: all; of PagerDuty `kill.*` and `origin.*`',
    ['kill.*', 'version.restored'],
  ),
  environments: patterns(
    pattern(
      /^[a-z0-9*][a-z0-9.*_-]{0,126}$/,
      'must be the name of an environment, or a pattern such as "*.prod"',
    ),
    'Environments that it hears of; `*` stands for any characters. Default: all. What belongs to none is heard by `*` only',
    ['media-register.prod'],
  ),
  enabled: z.boolean().openapi({
    description: 'Disabled, it hears of nothing, and what waits for it becomes dead letters',
  }),
  url: z.string().openapi({
    description: 'Where events go: https, a public host name. Never shown again, but for its host',
    example: 'https://hooks.slack.com/services/T0000/B0000/XXXX',
  }),
  routingKey: z
    .string()
    .regex(/^[A-Za-z0-9]{32}$/, "must be PagerDuty's integration key: 32 letters and digits")
    .openapi({ description: "PagerDuty's integration key, for that format only. Never shown again" }),
}

export const WebhookBody = z
  .strictObject({
    ...settings,
    format: z.enum(FORMATS).default('json'),
    events: settings.events.optional(),
    environments: settings.environments.optional(),
    enabled: settings.enabled.optional(),
    url: settings.url.optional(),
    routingKey: settings.routingKey.optional(),
  })
  .openapi('WebhookRequest', {
    example: {
      name: 'on-call channel',
      format: 'slack',
      url: 'https://hooks.slack.com/services/T0000/B0000/XXXX',
      events: ['kill.*'],
      environments: ['media-register.prod'],
    },
  })

export const WebhookPatch = z
  .strictObject(settings)
  .partial()
  .openapi('WebhookPatch', { example: { enabled: false } })

const webhook = {
  id: z.string().openapi({ example: 'wh_0123456789abcdef' }),
  name: z.string(),
  format: z.enum(FORMATS),
  host: z.string().openapi({ description: 'Host of its URL', example: 'hooks.slack.com' }),
  events: z.array(z.string()),
  environments: z.array(z.string()),
  enabled: z.boolean(),
  disabledReason: z
    .string()
    .nullable()
    .openapi({ description: 'Why the control plane disabled it by itself; null: it did not' }),
  failing: z.boolean().openapi({ description: 'The last attempt failed' }),
  pausedUntil: time.nullable().openapi({ description: 'Nothing is sent before: the target asked for it' }),
  pending: z.int().openapi({ description: 'Deliveries on their way' }),
  dead: z.int().openapi({ description: 'Dead letters' }),
  previousSecretUntil: time
    .nullable()
    .openapi({ description: 'Until then the secret before the last rotation signs too' }),
  createdAt: time,
  createdBy: z.string(),
}

export const WebhookSchema = z.object(webhook).openapi('Webhook', { example: EXAMPLES.webhook })

export const WebhookWithSecretSchema = z
  .object({
    ...webhook,
    secret: z.string().openapi({
      description: 'Signs deliveries; it is never shown again',
      example: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=',
    }),
  })
  .openapi('WebhookWithSecret', { example: EXAMPLES.webhookWithSecret })

export const AttemptSchema = z
  .object({
    at: time,
    durationMs: z.int(),
    status: z.int().nullable().openapi({ description: 'HTTP status of the answer; null: there was none' }),
    problem: z.string().nullable().openapi({ description: 'null: it was accepted', example: 'answered 503' }),
    answer: z.string().nullable().openapi({ description: 'First characters of a refusal' }),
  })
  .openapi('WebhookAttempt', { example: EXAMPLES.attempt })

export const DeliverySchema = z
  .object({
    id: z.int().openapi({ example: 1204 }),
    status: z.enum(DELIVERY_STATUSES).openapi({ description: '`dead`: given up; see `problem`' }),
    event: z.object({
      id: z.string().openapi({ description: 'The header webhook-id', example: `evt_${'0'.repeat(32)}` }),
      environment: z.string().nullable(),
      seq: z.int().openapi({ description: 'Number of its entry in the audit log; 0: it is in none' }),
      action: z.string().openapi({ example: 'kill.placed' }),
      subject: z.string().openapi({ example: 'kill:flag:new-feature' }),
      at: time,
    }),
    attempts: z.int().openapi({ description: 'Made since it was queued or last replayed' }),
    lastAttempts: z.array(AttemptSchema).openapi({ description: 'The last few, oldest first' }),
    problem: z.string().nullable().openapi({ description: 'Why it is not delivered' }),
    nextAttemptAt: time
      .nullable()
      .openapi({ description: 'null: none is due, or it waits for an earlier one about the same subject' }),
    createdAt: time,
    endedAt: time.nullable().openapi({ description: 'When it was delivered or given up' }),
  })
  .openapi('WebhookDelivery', { example: EXAMPLES.delivery })
