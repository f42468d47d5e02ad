/** Restoring backups: PUT a file where GET gives one. Nothing is done before all of it was read and found whole. */
import { z } from '@hono/zod-openapi'
import { nameOfEnvironment, objectOf } from '../backup/format.ts'
import { textOf } from '../backup/lines.ts'
import type { Restored } from '../objects/backup/restored.ts'
import { type RestoredFile, restoreFrom } from '../restoring.ts'
import type { Author } from '../settings.ts'
import { requireEverywhere } from './authorization.ts'
import { whole } from './body.ts'
import { type Api, type ApiContext, authorOf, json, mannerOf } from './context.ts'
import { invalidRequest, Problem, STORE_PROBLEMS } from './problem.ts'
import { answers, ChangeHeaders, EditQuery, EnvironmentParams, operation } from './routes.ts'
import { BackupFileSchema, RestorationSchema } from './schemas-backup.ts'
import { settle } from './settle.ts'
import { NDJSON } from './stream.ts'

const tags = ['Backups']

const RestoreQuery = EditQuery.extend({
  dryRun: z
    .enum(['true', 'false'])
    .default('false')
    .openapi({ description: '`true`: say what it would do, and do nothing', example: 'true' }),
})

const body = {
  required: true,
  content: { [NDJSON]: { schema: BackupFileSchema } },
} as const

const problems = ['malformed', 'unsupported-media-type', 'invalid', 'stage-order', ...STORE_PROBLEMS] as const

const everything = operation('admin', {
  method: 'put',
  path: '/backup',
  tags,
  operationId: 'restoreEverything',
  summary: 'Restore all that a backup holds',
  description:
    'Into an empty control plane, or over what is there. Kills in force stay, and those of the backup come back. The same file again does nothing again. Over an environment that is protected, or back past the point of no return of a migration, it has to break the glass; a dry run names such migrations in `warnings`.',
  request: { query: RestoreQuery, headers: ChangeHeaders, body },
  responses: answers({ status: 200, description: 'What came of it', schema: RestorationSchema }, problems),
})

const one = operation('admin', {
  method: 'put',
  path: '/environments/{env}/backup',
  tags,
  operationId: 'restoreEnvironment',
  summary: 'Restore one environment of a backup',
  description: 'Whatever else the file holds stays out. Otherwise as for everything.',
  request: { params: EnvironmentParams, query: RestoreQuery, headers: ChangeHeaders, body },
  responses: answers({ status: 200, description: 'What came of it', schema: RestorationSchema }, problems),
})

export function restores(api: Api): void {
  api.openapi(everything, async (c) => {
    requireEverywhere(c)
    return restored(c, null, c.req.valid('query').dryRun === 'true')
  })

  api.openapi(one, async (c) => {
    const { env } = c.req.valid('param')
    return restored(c, nameOfEnvironment(env), c.req.valid('query').dryRun === 'true')
  })
}

async function restored(c: ApiContext, only: string | null, dryRun: boolean): Promise<Response> {
  const pieces = textOf(bytesOf(c), new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }))
  const answer = await restoreFrom(c.env, { pieces, only, dryRun, author: authorIn(c, dryRun) })
  return json(c, shown(settle(answer, only ?? ''), dryRun))
}

/** A restore over what is protected, or past a point of no return, has to break the glass; a dry run does nothing, and may look. */
function authorIn(c: ApiContext, dryRun: boolean): Author {
  const author = authorOf(c)
  if (!mannerOf(c, null).breakGlass && !dryRun) return author
  if (author.reason === null && !dryRun)
    throw invalidRequest('query.reason', 'is required to break the glass')
  return { ...author, details: { breakGlass: true } }
}

/** A file may be sent gzipped: it is mostly the same words. */
function bytesOf(c: ApiContext): AsyncIterable<Uint8Array> {
  if (!(c.req.header('content-type') ?? '').startsWith(NDJSON))
    throw new Problem('unsupported-media-type', `Send "content-type: ${NDJSON}".`, [
      { path: 'content-type', message: `must be ${NDJSON}` },
    ])
  const encoding = c.req.header('content-encoding') ?? 'identity'
  const { body } = c.req.raw
  if (body === null) return emptyBytes()
  if (encoding === 'identity') return whole(body)
  if (encoding === 'gzip') return whole(body.pipeThrough(new DecompressionStream('gzip')))
  throw new Problem('unsupported-media-type', 'Send "content-encoding: gzip", or none.', [
    { path: 'content-encoding', message: `must be gzip, or be left out, got ${JSON.stringify(encoding)}` },
  ])
}

async function* emptyBytes(): AsyncGenerator<Uint8Array> {}

const shown = ({ file, madeAt, release, objects }: RestoredFile, dryRun: boolean) => ({
  ...{ dryRun, madeAt, release, sha256: file },
  objects: objects.map(({ object, restored }) => ({ object, ...shownObject(object, restored) })),
})

function shownObject(object: string, restored: Restored) {
  if (restored.is === 'nothing') return { outcome: restored.why }
  const { is, ...rest } = restored
  if (is !== 'environment') return { outcome: 'restored', ...rest }
  const { log, now } = restored
  if (now === null) return { outcome: 'restored', log }
  const environment = objectOf(object)!.environment
  return { outcome: 'restored', log, ...now, notRun: now.notRun.map((n) => `${environment}:${n}`) }
}
