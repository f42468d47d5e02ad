/** Bodies about backups. */
import { z } from '@hono/zod-openapi'
import { EXAMPLE_BACKUP } from './example-backup.ts'
import { EXAMPLES } from './examples.ts'
import { IssueSchema, time, version } from './schemas.ts'

export const BackupLineSchema = z.looseObject({}).openapi('BackupLine', {
  description:
    'A header, then records of each object between lines that begin and end it, then a line with the SHA-256 of all before it',
  example: { turnout: 'backup', format: 1, madeAt: '2026-11-21T10:00:00.000Z', release: null, holds: [] },
})

export const BackupFileSchema = z
  .string()
  .openapi('BackupFile', { description: 'All lines of a backup, to the last', example: EXAMPLE_BACKUP })

const names = z.array(z.string())

const log = z
  .object({
    imported: z.int().openapi({ description: 'Entries that were not here' }),
    carriedOver: z.int().openapi({ description: 'Entries that only the log here had, and that now follow' }),
  })
  .optional()
  .openapi({ description: 'How the two audit logs were joined' })

/** One object of the file, and what was, or would be, made of it. */
const restored = z.object({
  object: z.string().openapi({ example: 'environment:dev' }),
  outcome: z.enum(['restored', 'restored-already', 'all-here']),
  log,
  epoch: z.int().optional(),
  version: version.optional(),
  killsVersion: z.int().optional(),
  history: z
    .enum(['of-backup', 'kept'])
    .optional()
    .openapi({ description: '`kept`: the versions that were here hold those of the backup' }),
  recovered: names.optional().openapi({ description: 'Kills that are in force again' }),
  over: names.optional().openapi({ description: 'Kills of the backup whose time is over' }),
  notRun: names.optional().openapi({ description: 'Schedules whose time has passed, and that do nothing' }),
  revoked: names.optional().openapi({ description: 'SDK keys of the backup that were revoked since' }),
  warnings: z.array(IssueSchema).optional(),
  tokens: names.optional(),
  people: names.optional(),
  leftOut: names.optional().openapi({ description: 'What stays out, and why' }),
  webhooks: names.optional().openapi({ description: 'There again, but disabled: they need their secrets' }),
})

export const RestorationSchema = z
  .object({
    dryRun: z.boolean(),
    madeAt: time,
    release: z.string().nullable(),
    sha256: z.string().openapi({ description: 'Of the file, as its last line says' }),
    objects: z.array(restored),
  })
  .openapi('Restoration', { example: EXAMPLES.restoration })
