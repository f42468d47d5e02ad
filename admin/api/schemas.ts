/** Bodies of the API beside documents: what is accepted, checked to the last field, and what is answered. */
import { z } from '@hono/zod-openapi'
import { TOKEN_NAME } from '../access/grants.ts'
import { ROLES } from '../access/principal.ts'
import { ENTITY_KINDS } from '../document.ts'
import { DAYS } from '../governance/calendar.ts'
import { ENVIRONMENT_NAME } from '../settings.ts'
import { APPROVAL_STATUSES } from '../storage/approvals.ts'
import { ON_EXPIRY } from '../storage/kills.ts'
import { SCHEDULE_STATUSES } from '../storage/schedules.ts'
import { MAX_REASON } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { PROBLEMS, type ProblemKind, typeOf } from './problem.ts'

const version = z.int().min(0).openapi({ example: 12 })
export const time = z.string().openapi({ format: 'date-time', example: '2026-11-21T10:00:00.000Z' })
export const reason = z
  .string()
  .trim()
  .min(1)
  .max(MAX_REASON)
  .openapi({ example: 'errors above 1 % since 10:02' })

const PROJECT = /^[a-z0-9][a-z0-9_-]{0,62}$/

const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/

export const IssueSchema = z
  .object({ path: z.string().openapi({ example: '$.flags.CONDUIT_X.rules[0].serve' }), message: z.string() })
  .openapi('Issue', { example: EXAMPLES.issue })

const PROBLEM_TYPES = (Object.keys(PROBLEMS) as ProblemKind[]).map(typeOf)

export const ProblemSchema = z
  .object({
    type: z.enum(PROBLEM_TYPES).openapi({ description: 'What kind of problem it is' }),
    title: z.string().openapi({ description: 'The same for all of a kind' }),
    status: z.int().openapi({ description: 'The status of the answer' }),
    detail: z.string().openapi({ description: 'What is wrong this time, in a sentence' }),
    errors: z.array(IssueSchema).openapi({ description: 'What is wrong, and where; may be empty' }),
    requestId: z
      .string()
      .openapi({ description: 'Also in the header x-request-id; name it when asking for help' }),
  })
  .openapi('Problem')

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

export const EnvironmentSchema = z
  .object({
    ...listedEnvironment,
    epoch: z.int().openapi({ description: 'Minted at creation and at every restore; only grows' }),
    version: version.openapi({ description: 'Version of the current snapshot and document' }),
    killsVersion: z.int().min(0).openapi({ description: 'Version of the kill list' }),
  })
  .openapi('Environment', { example: EXAMPLES.environment })

export const PublishedSchema = z.object({ version, warnings: z.array(IssueSchema) }).openapi('Published', {
  description: 'The version that holds the change, and what is valid but surely not meant',
  example: EXAMPLES.published,
})

export const ValidationSchema = z
  .object({ valid: z.boolean(), errors: z.array(IssueSchema), warnings: z.array(IssueSchema) })
  .openapi('Validation', { example: EXAMPLES.validation })

export const ToggleBody = z
  .strictObject({ enabled: z.boolean(), reason: reason.optional() })
  .openapi('Toggle', { example: { enabled: false, reason: 'errors above 1 % since 10:02' } })

export const EvaluateBody = z
  .strictObject({ flag: z.string().min(1), context: z.record(z.string(), z.unknown()).default({}) })
  .openapi('Evaluate', { example: { flag: 'new-feature', context: { targetingKey: 'user1' } } })

export const ExplanationSchema = z
  .object({
    decision: z.object({
      flag: z.string(),
      variant: z.string().nullable(),
      value: z.unknown(),
      reason: z.string(),
      rule: z.string().nullable(),
      errorCode: z.string().nullable(),
      metadata: z.record(z.string(), z.unknown()),
      version,
      killVersion: z.int(),
    }),
    steps: z.array(z.looseObject({ step: z.string(), decided: z.boolean(), detail: z.string() })),
  })
  .openapi('Explanation', { example: EXAMPLES.explanation })

export const KillBody = z
  .strictObject({
    reason,
    variant: z
      .string()
      .min(1)
      .optional()
      .openapi({ description: "Variant to serve; default: the flag's `off`" }),
    expiresAt: z.iso
      .datetime({ offset: true, message: 'must be an RFC 3339 time with a zone, e.g. 2026-11-21T10:00:00Z' })
      .optional(),
    onExpiry: z.enum(ON_EXPIRY).optional().openapi({
      description:
        '`restore` (default): the kill ends. `extend`: it holds for the same time again, and again.',
    }),
  })
  .refine(({ expiresAt, onExpiry }) => onExpiry === undefined || expiresAt !== undefined, {
    path: ['onExpiry'],
    message: 'needs "expiresAt"',
  })
  .openapi('KillRequest', { example: { reason: 'checkout broken', expiresAt: '2099-01-01T00:00:00Z' } })

export const KillSchema = z
  .object({
    target: z.string().openapi({ example: 'flag:new-feature' }),
    variant: z.string().optional(),
    reason: z.string(),
    actor: z.string(),
    createdAt: time,
    expiresAt: time.optional(),
    onExpiry: z.enum(ON_EXPIRY).optional(),
  })
  .openapi('Kill', { example: EXAMPLES.kill })

export const EntityChangeSchema = z
  .object({
    kind: z.enum([...ENTITY_KINDS, 'route-order', 'settings', 'sdk-key']),
    key: z.string(),
    change: z.enum(['added', 'changed', 'removed']),
  })
  .openapi('Change')

export const VersionSchema = z
  .object({
    version,
    epoch: z.int(),
    createdAt: time,
    actor: z.string(),
    reason: z.string().nullable(),
    changeCount: z.int(),
    labels: z.array(z.string()),
    changes: z.array(EntityChangeSchema).openapi({ description: 'In a list: the first 20 of `changeCount`' }),
  })
  .openapi('Version', { example: EXAMPLES.version })

const scope = {
  role: z.enum(ROLES).openapi({
    description:
      '`viewer` reads; `operator` also toggles and kills; `editor` also edits; `admin` also manages access and settings',
    example: 'operator',
  }),
  projects: z
    .array(z.string().regex(PROJECT, 'must be the name of a project, or `default`'))
    .min(1)
    .max(100)
    .nullable()
    .default(null)
    .openapi({ description: '`null`: all projects. The default project is `default`.', example: null }),
  environments: z
    .array(z.string().regex(ENVIRONMENT_NAME, 'must be the name of an environment'))
    .min(1)
    .max(100)
    .nullable()
    .default(null)
    .openapi({ description: '`null`: all environments of those projects', example: ['media-register.prod'] }),
}

export const futureTime = z.iso.datetime({
  offset: true,
  message: 'must be an RFC 3339 time with a zone, e.g. 2026-11-21T10:00:00Z',
})

export const TokenBody = z
  .strictObject({
    name: z
      .string()
      .regex(TOKEN_NAME, 'must be lower-case letters, digits, ".", "_" and "-", at most 63')
      .openapi({ description: 'Names the token in the audit log; never used again', example: 'ci' }),
    ...scope,
    expiresAt: futureTime.optional(),
  })
  .openapi('TokenRequest', {
    example: { name: 'ci', role: 'editor', environments: ['dev'], expiresAt: '2099-01-01T00:00:00Z' },
  })

const shownScope = {
  role: z.enum(ROLES),
  projects: z.array(z.string()).nullable(),
  environments: z.array(z.string()).nullable(),
}

const listedToken = {
  id: z.string().openapi({ example: 'tok_0123456789abcdef' }),
  name: z.string(),
  ...shownScope,
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
  lastUsedAt: time.nullable().openapi({ description: 'To the minute' }),
}

export const TokenSchema = z.object(listedToken).openapi('Token', { example: EXAMPLES.token })

export const CreatedTokenSchema = z
  .object({
    ...listedToken,
    token: z.string().openapi({ description: "The token's text; it is never shown again" }),
  })
  .openapi('CreatedToken', { example: EXAMPLES.createdToken })

export const PersonBody = z
  .strictObject(scope)
  .openapi('PersonRequest', { example: { role: 'editor', projects: ['media-register'] } })

export const PersonSchema = z
  .object({
    id: z.string().openapi({ example: 'ana@example.com' }),
    ...shownScope,
    createdAt: time,
    createdBy: z.string(),
    lastUsedAt: time.nullable(),
  })
  .openapi('Person', { example: EXAMPLES.person })

export const PrincipalSchema = z
  .object({
    id: z.string().openapi({
      description:
        'As the audit log names the caller: `bootstrap`, `token:NAME`, an e-mail address or `service:NAME`',
      example: 'token:ci',
    }),
    ...shownScope,
  })
  .openapi('Principal', { example: EXAMPLES.principal })

export const AuditEntrySchema = z
  .object({
    seq: z.int().openapi({ description: 'From 1, without gaps, within its chain' }),
    at: time,
    environment: z.string().nullable().openapi({ description: '`null`: the control plane itself' }),
    action: z.string().openapi({ example: 'flag.updated' }),
    subject: z.string().openapi({ example: 'flag:new-feature' }),
    actor: z.string().openapi({ example: 'token:ci' }),
    reason: z.string().nullable(),
    requestId: z.string().nullable(),
    address: z.string().nullable().openapi({ description: 'Address of the caller' }),
    version: version.nullable().openapi({ description: 'Version that holds the change' }),
    kills: z.int().nullable().openapi({ description: 'Version of the kill list that holds the change' }),
    changes: z.array(
      z.object({
        subject: z.string(),
        patch: z.array(z.looseObject({ op: z.string(), path: z.string() })).nullable(),
        hashes: z
          .object({ before: z.string().nullable(), after: z.string().nullable() })
          .optional()
          .openapi({ description: 'SHA-256 before and after, where the patch would be too large' }),
      }),
    ),
    changeCount: z.int(),
    details: z.record(z.string(), z.unknown()),
    previousHash: z.string(),
    hash: z.string(),
  })
  .openapi('AuditEntry', { example: EXAMPLES.auditEntry })

const environmentId = (description: string) => z.string().openapi({ description, example: 'dev:12' })

export const ApprovalSchema = z
  .object({
    id: environmentId('Environment and number'),
    environment: z.string(),
    status: z.enum(APPROVAL_STATUSES),
    action: z.string().openapi({ example: 'flag.updated' }),
    subject: z.string().openapi({ example: 'flag:new-feature' }),
    actor: z.string().openapi({ description: 'Who asked' }),
    reason: z.string().nullable(),
    raising: z.array(z.string()).openapi({ description: 'Why it needs approval' }),
    needed: z.int().openapi({ description: 'How many others must approve' }),
    votes: z.array(z.object({ actor: z.string(), at: time, note: z.string().nullable() })),
    createdAt: time,
    expiresAt: time,
    decidedAt: time.nullable(),
    decidedBy: z.string().nullable(),
    note: z.string().nullable(),
    version: version.nullable().openapi({ description: 'Version that holds the change' }),
  })
  .openapi('Approval', { example: EXAMPLES.approval })

export const NoteBody = z.strictObject({ reason: reason.optional() }).openapi('Note', {
  example: { reason: 'looked at the canary’s errors' },
})

export const ScheduleBody = z
  .strictObject({
    environment: z.string().min(1),
    at: futureTime.openapi({ description: 'When the change is made' }),
    until: futureTime.optional().openapi({ description: 'When the flags become again what they were' }),
    flags: z.record(z.string(), z.unknown()).openapi({
      description: 'JSON Merge Patch by flag key',
      example: { 'new-feature': { enabled: true } },
    }),
    reason: reason.optional(),
  })
  .openapi('ScheduleRequest', {
    example: {
      environment: 'dev',
      at: '2099-01-01T09:00:00Z',
      until: '2099-01-01T17:00:00Z',
      flags: { 'new-feature': { percentage: 50 } },
    },
  })

export const ScheduleSchema = z
  .object({
    id: environmentId('Environment and number'),
    environment: z.string(),
    status: z.enum(SCHEDULE_STATUSES).openapi({
      description: '`applied`: made, and to be taken back; `done`: made for good; `reverted`: taken back',
    }),
    at: time,
    until: time.nullable(),
    flags: z.record(z.string(), z.unknown()),
    actor: z.string(),
    reason: z.string().nullable(),
    approval: z.string().nullable(),
    createdAt: time,
    version: version.nullable(),
    revertedVersion: version.nullable(),
    problem: z.string().nullable().openapi({ description: 'Why it failed, or what was not taken back' }),
  })
  .openapi('Schedule', { example: EXAMPLES.schedule })

export const WindowBody = z
  .strictObject({
    environment: z.string().min(1),
    days: z.array(z.enum(DAYS)).min(1),
    from: z.string().openapi({ description: 'HH:MM', example: '09:00' }),
    to: z.string().openapi({ description: 'HH:MM; no later than `from`: on the next day', example: '17:00' }),
    timeZone: z.string().openapi({ example: 'Europe/Berlin' }),
    reason: reason.optional(),
  })
  .openapi('WindowRequest', {
    example: {
      environment: 'dev',
      days: ['mon', 'tue', 'wed', 'thu'],
      from: '09:00',
      to: '16:00',
      timeZone: 'Europe/Berlin',
    },
  })

export const WindowSchema = z
  .object({
    id: environmentId('Environment and number'),
    environment: z.string(),
    days: z.array(z.enum(DAYS)),
    from: z.string(),
    to: z.string(),
    timeZone: z.string(),
    reason: z.string().nullable(),
  })
  .openapi('Window', { example: EXAMPLES.window })

export const FreezeBody = z
  .strictObject({
    environment: z.string().min(1),
    from: futureTime.optional().openapi({ description: 'Default: now' }),
    to: futureTime.optional().openapi({ description: 'Default: until it is lifted' }),
    reason,
  })
  .openapi('FreezeRequest', {
    example: { environment: 'dev', to: '2099-01-02T00:00:00Z', reason: 'end-of-year freeze' },
  })

export const FreezeSchema = z
  .object({
    id: environmentId('Environment and number'),
    environment: z.string(),
    from: time,
    to: time.nullable(),
    reason: z.string(),
    actor: z.string(),
  })
  .openapi('Freeze', { example: EXAMPLES.freeze })

export const ReviewSchema = z
  .object({
    seq: z.int().openapi({ description: 'Number of the audit entry to look at' }),
    openedAt: time,
    action: z.string().openapi({ example: 'kill.placed' }),
    subject: z.string().openapi({ example: 'kill:all-flags' }),
    actor: z.string(),
    reason: z.string().nullable(),
    closedAt: time.nullable(),
    closedBy: z.string().nullable(),
    note: z.string().nullable(),
  })
  .openapi('Review', { example: EXAMPLES.review })

export const ReviewBody = z.strictObject({ note: reason }).openapi('ReviewClosing', {
  example: { note: 'the provider was down; kill was right' },
})

export const LabelBody = z.strictObject({ version }).openapi('LabelRequest', { example: { version: 1 } })

const verification = {
  valid: z.boolean(),
  entries: z.int(),
}

export const VerificationSchema = z
  .object({
    ...verification,
    chains: z.array(
      z.object({
        environment: z.string().nullable(),
        ...verification,
        head: z.string().openapi({ description: 'Hash of the last entry' }),
        broken: z.object({ seq: z.int(), problem: z.string() }).optional(),
      }),
    ),
  })
  .openapi('Verification', { example: EXAMPLES.verification })

const comparison = {
  differences: z.array(
    z.object({
      kind: z.enum(ENTITY_KINDS),
      key: z.string(),
      change: z.enum(['added', 'changed', 'removed']),
      patch: z
        .array(z.looseObject({ op: z.string(), path: z.string() }))
        .nullable()
        .openapi({ description: 'JSON Patch (RFC 6902); `null`: too large to show' }),
    }),
  ),
  same: z.int().openapi({ description: 'How many flags, segments and routes are the same' }),
  reordered: z.boolean().openapi({ description: 'The routes that both have stand in another order' }),
}

export const ComparisonSchema = z.object(comparison).openapi('Comparison', { example: EXAMPLES.comparison })

export const PromotionBody = z
  .strictObject({
    to: z.string().min(1).optional().openapi({
      description: 'Target environment; default: `promotesTo` of the source',
      example: 'staging',
    }),
    flags: z
      .union([z.array(z.string()).min(1).max(10_000), z.literal('all')])
      .openapi({ description: 'Keys of flags, or `all`', example: ['new-feature'] }),
    dryRun: z.boolean().default(false).openapi({ description: 'Show what would change, and change nothing' }),
    expected: version
      .optional()
      .openapi({ description: "The target's version that a dry run showed; another one is refused (409)" }),
    reason: reason.optional(),
  })
  .openapi('PromotionRequest', { example: { to: 'staging', flags: ['new-feature'], dryRun: true } })

export const PromotionSchema = z
  .object({
    from: z.string(),
    fromVersion: version,
    to: z.string(),
    dryRun: z.boolean(),
    version: version.openapi({ description: "The target's version: the one compared with, or the one made" }),
    ...comparison,
    segments: z.array(z.string()).openapi({ description: 'Segments that came along' }),
    kept: z.array(z.string()).openapi({ description: 'What the target kept as its own' }),
    raising: z.array(z.string()).openapi({ description: 'What raises exposure' }),
    warnings: z.array(IssueSchema),
  })
  .openapi('Promotion', { example: EXAMPLES.promotion })

export const KeyBody = z
  .strictObject({
    environment: z.string().min(1),
    kind: z.enum(['client', 'server']).openapi({
      description: '`client`: flags marked `client: true`, values only. `server`: everything.',
    }),
    name: z.string().trim().min(1).max(100),
  })
  .openapi('KeyRequest', { example: { environment: 'dev', kind: 'server', name: 'checkout service' } })

const listedKey = {
  id: z.string().openapi({ example: 'key_0123456789abcdef' }),
  environment: z.string(),
  kind: z.enum(['client', 'server']),
  name: z.string(),
  createdAt: time,
}

export const KeySchema = z.object(listedKey).openapi('Key', { example: EXAMPLES.key })

export const CreatedKeySchema = z
  .object({
    ...listedKey,
    key: z.string().openapi({ description: "The key's text; it is never shown again" }),
  })
  .openapi('CreatedKey', { example: EXAMPLES.createdKey })

/** A page of a list, and what an item looks like. */
export const listOf = <T extends z.ZodType>(item: T, example: z.input<T>) =>
  z
    .object({
      items: z.array(item),
      nextCursor: z.string().nullable().openapi({ description: '`null`: this is the last page' }),
    })
    .openapi({ example: { items: [example], nextCursor: null } })
