/** Bodies about approvals, schedules, windows, freezes and reviews. */
import { z } from '@hono/zod-openapi'
import { ENTITY_KINDS } from '../document.ts'
import { DAYS } from '../governance/calendar.ts'
import { APPROVAL_STATUSES } from '../storage/approvals.ts'
import { SCHEDULE_STATUSES } from '../storage/schedules.ts'
import { EXAMPLES } from './examples.ts'
import { futureTime, reason, time, version } from './schemas.ts'
import { comparison, difference } from './schemas-versions.ts'

const id = z.string().openapi({ description: 'Environment and number', example: 'dev:12' })

export const ApprovalSchema = z
  .object({
    id,
    environment: z.string(),
    status: z.enum(APPROVAL_STATUSES).openapi({
      description:
        '`stale`: what it is about has changed since; `failed`: everybody agreed, but it could not be carried out, and `note` says why',
    }),
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
    note: z.string().nullable().openapi({ description: 'What who decided it said, or why it failed' }),
    version: version.nullable().openapi({ description: 'Version that holds the change' }),
  })
  .openapi('Approval', { example: EXAMPLES.approval })

/** An approval as those see it who are to decide. */
export const FullApprovalSchema = ApprovalSchema.extend({
  actorRevokedAt: time.nullable().openapi({
    description: 'When the token was revoked that asked; it may be approved all the same',
  }),
  change: z.looseObject({ do: z.string() }).openapi({ description: 'As it was asked for' }),
  now: z
    .object({
      ...comparison,
      differences: z.array(difference.extend({ kind: z.enum([...ENTITY_KINDS, 'kill', 'settings']) })),
      problem: z
        .string()
        .nullable()
        .openapi({ description: 'Why it cannot be carried out now; `null`: it can' }),
    })
    .nullable()
    .openapi({ description: 'What it would change if it were carried out now; `null`: it is decided' }),
}).openapi('FullApproval', { example: EXAMPLES.fullApproval })

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
    id,
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
    days: z.array(z.enum(DAYS)).min(1).max(DAYS.length),
    from: z.string().openapi({ description: 'HH:MM', example: '09:00' }),
    to: z.string().openapi({ description: 'HH:MM; no later than `from`: on the next day', example: '17:00' }),
    timeZone: z.string().openapi({ example: 'Europe/Berlin' }),
    reason,
  })
  .openapi('WindowRequest', {
    example: {
      environment: 'dev',
      days: ['mon', 'tue', 'wed', 'thu'],
      from: '09:00',
      to: '16:00',
      timeZone: 'Europe/Berlin',
      reason: 'while somebody is on call',
    },
  })

export const WindowSchema = z
  .object({
    id,
    environment: z.string(),
    days: z.array(z.enum(DAYS)),
    from: z.string(),
    to: z.string(),
    timeZone: z.string(),
    reason: z.string().nullable().openapi({ description: '`null`: it was made when none was needed' }),
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
    id,
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
