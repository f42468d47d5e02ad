/**
 * Restores a backup over several objects, in two phases: first all of the file is read and its records are staged with the
 * objects that they are about, and each object says what restoring would do; only when nothing is wrong anywhere they do
 * it, one transaction each. If that breaks off half way, the same call again does what is left.
 */
import { type CompileIssue, ok, type Result } from '../engine/index.ts'
import { objectOf } from './backup/format.ts'
import { linesIn, Unreadable } from './backup/lines.ts'
import { BackupReader, type ReadObject } from './backup/reader.ts'
import type { Env } from './env.ts'
import { type Failed, type Failure, failed } from './failure.ts'
import type { Restored, Source } from './objects/backup/restored.ts'
import type { StagedRecord } from './objects/backup/stage.ts'
import type { EnvironmentObject } from './objects/environment.ts'
import { type Author, ENVIRONMENT_NAME } from './settings.ts'
import { callEnvironment, callProject, callWebhooks, type Remote } from './stubs.ts'

/** What every object does that a backup is about. */
type Restorable = Pick<Remote<EnvironmentObject>, 'stageBackup' | 'dropBackup' | 'restoreBackup'>

export interface Request {
  /** UTF-8 decoded. */
  readonly pieces: AsyncIterable<string>
  /** The one object of the file that is meant; `null`: all of them. */
  readonly only: string | null
  readonly dryRun: boolean
  readonly author: Author
}

export interface RestoredFile {
  readonly file: string
  readonly madeAt: string
  readonly release: string | null
  readonly objects: readonly { readonly object: string; readonly restored: Restored }[]
}

export async function restoreFrom(env: Env, request: Request): Promise<Result<RestoredFile, Failure>> {
  const staging = new Staging(env, request.only)
  try {
    const { reader, findings } = await read(request, staging)
    if (findings.length > 0) return invalidFile(findings)
    const { file, madeAt, release, sources } = found(reader, staging)
    const ask = async (dryRun: boolean) => {
      const objects: { object: string; restored: Restored }[] = []
      const wrong: CompileIssue[] = []
      const back: CompileIssue[] = []
      for (const [object, source] of sources) {
        const answer = await callObject(env, object, (stub) =>
          stub.restoreBackup(source, dryRun, request.author),
        )
        if (answer.ok) objects.push({ object, restored: answer.value })
        else if (answer.error.reason === 'invalid') wrong.push(...issuesOf(object, answer.error.errors))
        else if (answer.error.reason === 'stage-order') back.push(...issuesOf(object, answer.error.errors))
        else return answer
      }
      if (wrong.length > 0) return invalidFile(wrong)
      return back.length > 0 ? failed({ reason: 'stage-order', errors: back }) : ok(objects)
    }
    const rehearsed = await ask(true)
    const done = rehearsed.ok && !request.dryRun ? await ask(false) : rehearsed
    return done.ok ? ok({ file, madeAt, release, objects: done.value }) : done
  } finally {
    await staging.drop()
  }
}

/** Reads all of it, whatever is wrong with it, so that everything is told at once. */
async function read(
  { pieces, only }: Request,
  staging: Staging,
): Promise<{ reader: BackupReader; findings: CompileIssue[] }> {
  const reader = new BackupReader()
  const findings: CompileIssue[] = []
  try {
    for await (const text of linesIn(pieces)) {
      const line = reader.read(text)
      if (line?.is === 'begin') staging.begin(line.object)
      if (line?.is === 'record') await staging.add(line.object, line.record, line.value)
      if (line?.is === 'end') await staging.flush()
    }
  } catch (thrown) {
    if (!(thrown instanceof Unreadable)) throw thrown
    return { reader, findings: [{ path: 'the file', message: thrown.message }] }
  }
  findings.push(...reader.finish().map(({ path, message }) => ({ path, message })))
  for (const { name } of reader.objects) {
    const environment = objectOf(name)?.environment ?? null
    if (environment !== null && !ENVIRONMENT_NAME.test(environment))
      findings.push({ path: name, message: 'is no name of an environment' })
  }
  if (only !== null && findings.length === 0 && !reader.objects.some(({ name }) => name === only))
    findings.push({
      path: 'the file',
      message: `does not hold ${only}, but ${reader.header!.holds.join(', ') || 'nothing'}`,
    })
  return { reader, findings }
}

function found(reader: BackupReader, staging: Staging) {
  const { madeAt, release } = reader.header!
  const file = reader.closing!.sha256
  const sourceOf = ({ name, begin }: ReadObject): [string, Source] => [
    name,
    { stage: staging.name, file, madeAt, begin },
  ]
  const sources = reader.objects.filter(({ name }) => staging.isMeant(name)).map(sourceOf)
  return { file, madeAt, release, sources }
}

function callObject<T>(env: Env, object: string, call: (stub: Restorable) => Promise<T>): Promise<T> {
  const known = objectOf(object)
  if (known?.kind === 'access') return callProject(env, (stub) => call(stub))
  if (known?.kind === 'webhooks') return callWebhooks(env, (stub) => call(stub))
  return callEnvironment(env, known!.environment!, call)
}

const invalidFile = (errors: readonly CompileIssue[]): Failed =>
  failed({ reason: 'invalid', what: 'backup', errors })

const issuesOf = (object: string, errors: readonly CompileIssue[]): CompileIssue[] =>
  errors.map(({ path, message }) => ({ path: `${object}, ${path}`, message }))

/** Characters and records of one call. */
const BATCH_LENGTH = 1024 * 1024
const BATCH_RECORDS = 1_000

/** Hands records to their objects, many at a time. */
class Staging {
  readonly name = crypto.randomUUID()
  readonly #env: Env
  readonly #only: string | null
  readonly #begun = new Set<string>()
  #object: string | null = null
  #from = 0
  #batch: StagedRecord[] = []
  #length = 0

  constructor(env: Env, only: string | null) {
    this.#env = env
    this.#only = only
  }

  isMeant(object: string): boolean {
    return this.#only === null || this.#only === object
  }

  begin(object: string): void {
    this.#object = object
    this.#from = 0
    this.#batch = []
    this.#length = 0
  }

  async add(object: string, record: string, value: object): Promise<void> {
    if (object !== this.#object) throw new Error(`[restoring] a record of ${object} within ${this.#object}`)
    if (!this.isMeant(object)) return
    const text = JSON.stringify(value)
    if (this.#length + text.length > BATCH_LENGTH || this.#batch.length === BATCH_RECORDS) await this.flush()
    this.#batch.push({ record, text })
    this.#length += text.length
  }

  /** Also of an object without records, which has a stage nevertheless. */
  async flush(): Promise<void> {
    const object = this.#object
    const environment = object === null ? null : objectOf(object)!.environment
    if (object === null || !this.isMeant(object)) return
    // Wakes no object by a name that none can have; the reader's caller says so.
    if (environment !== null && !ENVIRONMENT_NAME.test(environment)) return
    if (this.#batch.length === 0 && this.#from > 0) return
    this.#begun.add(object)
    await callObject(this.#env, object, (stub) => stub.stageBackup(this.name, this.#from, this.#batch))
    this.#from += this.#batch.length
    this.#batch = []
    this.#length = 0
  }

  /** Objects that have restored have dropped it already. */
  async drop(): Promise<void> {
    for (const object of this.#begun)
      await callObject(this.#env, object, (stub) => stub.dropBackup(this.name))
  }
}
