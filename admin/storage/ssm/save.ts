/**
 * Writes what a document changes: only those parameters, each compared just before, several of them guarded by the
 * manifest. What cannot be completed is taken back. Throws `StoreFailure`.
 */
import type { FlagDocument } from '../../../engine/index.ts'
import { logWarn } from '../../log.ts'
import type { Budget, Calls } from '../aws/calls.ts'
import type { Timing } from '../aws/timing.ts'
import { type Revision, StoreFailure } from '../store.ts'
import type { FoundByName, ParameterApi } from './api.ts'
import { type Manifest, manifestText, readManifest } from './manifest.ts'
import { KILLS, MANIFEST, roleOf } from './names.ts'
import { misfits, split } from './parameters.ts'
import { decodeMarks, encodeMarks, hashOf, type Mark, type Marks, markOf } from './revision.ts'

/** A pending change that is older was given up by its writer. */
const ABANDONED_AFTER_MS = 60_000

/**
 * Time for a save: to find out how things stand, and for each parameter; as much again to take it back. Somebody waits: an AWS
 * that says nothing for three seconds is given up.
 */
const BUDGET_MS = 8_000
const BUDGET_PER_PARAMETER_MS = 400
const SILENCE_MS = 3_000

export interface Writing {
  readonly api: ParameterApi
  readonly calls: Calls
  readonly timing: Timing
  readonly maxBytes: number
}

/** New text of a parameter; `null` deletes it. */
type Changes = ReadonlyMap<string, string | null>

export async function save(writing: Writing, document: FlagDocument, expected: Revision): Promise<Revision> {
  const marks = decodeMarks(expected)
  const values = split(document)
  const errors = misfits(values, writing.maxBytes)
  if (errors.length > 0) throw new StoreFailure({ reason: 'invalid', errors })
  const changes = changesTo(values, marks)
  const calls = writing.calls.within(budgetFor(changes.size))
  const held = await writing.api.read(calls, [...changes.keys(), MANIFEST])
  const abandoned = abandonedChange(held, writing.timing.nowMs())
  if (abandoned !== null) return restore(writing, values, changes, abandoned, marks)
  requireUnchanged(changes, marks, held)
  return write({ ...writing, calls }, changes, marks, held, changes.size > 1)
}

const budgetFor = (parameters: number): Budget => ({
  ...{ allMs: BUDGET_MS + parameters * BUDGET_PER_PARAMETER_MS, silenceMs: SILENCE_MS },
})

/** Ends a change that its writer has given up: what it names becomes what this document says. */
async function restore(
  writing: Writing,
  values: ReadonlyMap<string, string>,
  changes: Changes,
  { versions }: Manifest,
  marks: Marks,
): Promise<Revision> {
  const named = versions === null ? [...values.keys()] : Object.keys(versions).filter(isOfDocument)
  const all = new Map([...changes, ...named.map((name) => [name, values.get(name) ?? null] as const)])
  const calls = writing.calls.within(budgetFor(all.size))
  const held = await writing.api.read(calls, [...all.keys(), MANIFEST])
  return write({ ...writing, calls }, all, marks, held, true)
}

/** The copy of the kills alone. */
export async function saveKills(writing: Writing, text: string, expected: Revision): Promise<Revision> {
  const marks = decodeMarks(expected)
  const held = (await writing.api.read(writing.calls, [KILLS])).get(KILLS)
  if (held?.value === text) return encodeMarks(new Map([...marks, [KILLS, markOf(KILLS, held)]]))
  const errors = misfits(new Map([[KILLS, text]]), writing.maxBytes)
  if (errors.length > 0) throw new StoreFailure({ reason: 'invalid', errors })
  // Ours is the list that counts: what stands there is no reason not to write.
  const version = await writing.api.put(writing.calls, { name: KILLS, value: text, over: held?.version ?? 0 })
  return encodeMarks(new Map([...marks, [KILLS, [version, hashOf(text)]]]))
}

function changesTo(values: ReadonlyMap<string, string>, marks: Marks): Changes {
  const changes = new Map<string, string | null>()
  for (const [name, text] of values) if (marks.get(name)?.[1] !== hashOf(text)) changes.set(name, text)
  for (const name of marks.keys()) if (isOfDocument(name) && !values.has(name)) changes.set(name, null)
  return changes
}

function isOfDocument(name: string): boolean {
  const { holds } = roleOf(name)
  return holds !== 'kills' && holds !== 'manifest' && holds !== 'nothing of ours'
}

async function write(
  writing: Writing,
  changes: Changes,
  marks: Marks,
  held: FoundByName,
  guarded: boolean,
): Promise<Revision> {
  const written: Written = new Map()
  const guard = guarded ? await Guard.raise(writing, changes, held) : null
  try {
    await writeAll(writing, changes, held, written)
    await guard?.lower(writing.calls, written)
  } catch (thrown) {
    await takeBack(writing, held, written, guard, thrown)
    throw thrown
  }
  const after = new Map([...marks, ...(guard === null ? [] : [guard.mark])])
  for (const [name, version] of written) {
    const text = changes.get(name)
    if (text === null || text === undefined) after.delete(name)
    else after.set(name, [version, hashOf(text)])
  }
  return encodeMarks(after)
}

/** Version by name of what was written; 0: deleted. */
type Written = Map<string, number>

async function writeAll(
  { api, calls }: Writing,
  changes: Changes,
  held: FoundByName,
  written: Written,
): Promise<void> {
  const deleted = [...changes].flatMap(([name, text]) => (text === null && held.has(name) ? [name] : []))
  for (const [name, value] of changes) {
    if (value === null) continue
    const over = held.get(name)?.version ?? 0
    const version = await api.put(calls, { name, value, over })
    written.set(name, version)
    if (version !== over + 1) throw await overwrote(api, calls, name, version)
  }
  for (const name of deleted) written.set(name, 0)
  await api.delete(calls, deleted)
}

/** Somebody wrote between our look and our write. */
async function overwrote(
  api: ParameterApi,
  calls: Calls,
  name: string,
  version: number,
): Promise<StoreFailure> {
  const theirs = (await api.read(calls, [`${name}:${version - 1}`])).get(name)
  const overwritten = theirs === undefined ? null : { name, value: theirs.value }
  const detail = `parameter ${name} was changed in SSM at the same moment`
  return new StoreFailure({ reason: 'changed', detail, overwritten })
}

/** Of a parameter that is not there. */
const NOTHING: Mark = [0, '']

function requireUnchanged(changes: Changes, marks: Marks, held: FoundByName): void {
  for (const name of changes.keys()) {
    const found = held.get(name)
    const [known, now] = [marks.get(name) ?? NOTHING, found === undefined ? NOTHING : markOf(name, found)]
    if (known[0] === now[0] && known[1] === now[1]) continue
    const how =
      now === NOTHING ? 'was deleted in SSM' : `is at version ${now[0]} in SSM, not as it was at ${known[0]}`
    throw new StoreFailure({ reason: 'changed', detail: `parameter ${name} ${how}`, overwritten: null })
  }
}

/** A pending change that its writer has given up; `null`: there is none. Fails while there is another. */
function abandonedChange(held: FoundByName, nowMs: number): Manifest | null {
  const found = held.get(MANIFEST)
  const manifest = found === undefined ? null : readManifest(found.value)
  if (found === undefined || manifest?.state !== 'pending') return null
  const sinceMs = found.modifiedMs
  if (nowMs - sinceMs > ABANDONED_AFTER_MS) return manifest
  throw new StoreFailure({
    ...{ reason: 'busy', sinceMs },
    detail: 'another change of several parameters is being written to SSM',
  })
}

/**
 * What stood there before stands there again, and nothing is pending. If AWS takes not even that, the change stays pending:
 * nobody takes it for a change, and the next save restores it.
 */
async function takeBack(
  { api, calls }: Writing,
  held: FoundByName,
  written: Written,
  guard: Guard | null,
  cause: unknown,
): Promise<void> {
  const fresh = calls.within(budgetFor(written.size))
  const theirs =
    cause instanceof StoreFailure && cause.error.reason === 'changed' ? cause.error.overwritten : null
  const back: Written = new Map()
  try {
    for (const [name, version] of written) {
      const value = theirs?.name === name ? theirs.value : held.get(name)?.value
      if (value === undefined) await api.delete(fresh, [name])
      back.set(name, value === undefined ? 0 : await api.put(fresh, { name, value, over: version }))
    }
    await guard?.lower(fresh, back)
  } catch (thrown) {
    if (!(thrown instanceof StoreFailure)) throw thrown
    logWarn('store-not-taken-back', { parameters: [...written.keys()].join(' '), cause: thrown.message })
  }
}

/** The manifest of one change. */
class Guard {
  readonly #writing: Writing
  readonly #revision: string
  #version: number
  #text: string

  private constructor(writing: Writing, revision: string, version: number, text: string) {
    this.#writing = writing
    this.#revision = revision
    this.#version = version
    this.#text = text
  }

  static async raise(writing: Writing, changes: Changes, held: FoundByName): Promise<Guard> {
    const revision = Math.floor(writing.timing.random() * 2 ** 48).toString(36)
    const versions = Object.fromEntries(
      [...changes].map(([name, text]) => [name, text === null ? 0 : (held.get(name)?.version ?? 0) + 1]),
    )
    const text = manifestText({ revision, state: 'pending', versions })
    const over = held.get(MANIFEST)?.version ?? 0
    return new Guard(
      writing,
      revision,
      await writing.api.put(writing.calls, { name: MANIFEST, value: text, over }),
      text,
    )
  }

  async lower(calls: Calls, written: Written): Promise<void> {
    const manifest: Manifest = {
      revision: this.#revision,
      state: 'done',
      versions: Object.fromEntries(written),
    }
    const { api } = this.#writing
    this.#text = manifestText(manifest)
    this.#version = await api.put(calls, { name: MANIFEST, value: this.#text, over: this.#version })
  }

  get mark(): [string, Mark] {
    return [MANIFEST, [this.#version, hashOf(this.#text)]]
  }
}
