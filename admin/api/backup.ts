/** Backups: one file of an environment, or of everything. Written while it is read; only its last line says that it is whole. */
import { headerLine, nameOfEnvironment } from '../backup/format.ts'
import { Seal } from '../backup/seal.ts'
import { parseConfig } from '../env.ts'
import { logError, messageOf } from '../log.ts'
import { callProject, callWebhooks } from '../stubs.ts'
import { ask } from './ask.ts'
import { requireEverywhere } from './authorization.ts'
import { type Api, type ApiContext, authorOf } from './context.ts'
import { answers, EnvironmentParams, operation } from './routes.ts'
import { BackupLineSchema } from './schemas-backup.ts'
import { NDJSON, streamOf } from './stream.ts'

const tags = ['Backups']

const backup = { status: 200, schema: BackupLineSchema, mediaType: NDJSON } as const

const everything = operation('admin', {
  method: 'get',
  path: '/backup',
  tags,
  operationId: 'backUpEverything',
  summary: 'Everything of this control plane, as NDJSON',
  description: 'Access and webhooks without their secrets, and every environment. Noted in the audit log.',
  responses: answers({ ...backup, description: 'Line by line; without the closing line it is none' }, []),
})

const one = operation('admin', {
  method: 'get',
  path: '/environments/{env}/backup',
  tags,
  operationId: 'backUpEnvironment',
  summary: 'One environment with its history, as NDJSON',
  description: 'Noted in the audit log.',
  request: { params: EnvironmentParams },
  responses: answers({ ...backup, description: 'Line by line; without the closing line it is none' }, [
    'not-found',
  ]),
})

/** An object of the file and how to open it. */
interface Part {
  readonly name: string
  open(): Promise<ReadableStream<Uint8Array>>
}

export function backups(api: Api): void {
  api.openapi(everything, async (c) => {
    requireEverywhere(c)
    await callProject(c.env, (stub) => stub.noteBackup('control-plane', authorOf(c)))
    const names = await callProject(c.env, (stub) => stub.environmentNames('all'))
    const parts: Part[] = [
      { name: 'access', open: () => callProject(c.env, (stub) => stub.backup()) },
      { name: 'webhooks', open: () => callWebhooks(c.env, (stub) => stub.backup()) },
      ...names.map((name) => environmentPart(c, name)),
    ]
    return fileOf(c, 'turnout', parts)
  })

  api.openapi(one, async (c) => {
    const { env } = c.req.valid('param')
    // Before the answer begins: an environment that is unknown is a problem, not half a file.
    const opened = await environmentPart(c, env).open()
    await callProject(c.env, (stub) => stub.noteBackup(`environment:${env}`, authorOf(c)))
    return fileOf(c, `turnout-${env}`, [{ name: nameOfEnvironment(env), open: async () => opened }])
  })
}

const environmentPart = (c: ApiContext, name: string): Part => ({
  name: nameOfEnvironment(name),
  open: () => ask(c, name, (stub) => stub.backup()),
})

function fileOf(c: ApiContext, name: string, parts: readonly Part[]): Response {
  const madeAt = new Date().toISOString()
  const release = parseConfig(c.env).release?.tag ?? null
  const header = headerLine({ madeAt, release, holds: parts.map((part) => part.name) })
  c.header('content-type', NDJSON)
  c.header('content-disposition', `attachment; filename="${name}-${madeAt.slice(0, 10)}.ndjson"`)
  return c.body(streamOf(written(header, parts, c.get('requestId'))))
}

/** The file, closed only if every part of it came to its end. */
async function* written(
  header: string,
  parts: readonly Part[],
  requestId: string,
): AsyncGenerator<string | Uint8Array> {
  const seal = new Seal()
  seal.add(header)
  yield header
  for (const { name, open } of parts) {
    try {
      for await (const piece of await open()) {
        seal.add(piece)
        yield piece
      }
    } catch (thrown) {
      logError('backup-broke-off', { requestId, object: name, cause: messageOf(thrown) })
      throw thrown
    }
  }
  yield seal.close()
}
