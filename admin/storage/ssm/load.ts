/** Reads an environment's parameters. Half of somebody's change is never taken. Throws `StoreFailure`. */
import type { Calls } from '../aws/calls.ts'
import type { Timing } from '../aws/timing.ts'
import { type Loaded, type Revision, StoreFailure } from '../store.ts'
import type { FoundByName, ParameterApi } from './api.ts'
import { isTorn, readManifest } from './manifest.ts'
import { MANIFEST, roleOf } from './names.ts'
import { join, MAX_ENTITIES } from './parameters.ts'
import { decodeMarks, encodeMarks, markOf } from './revision.ts'

/** The entities, and the order of routes, the kills and the manifest. */
const MAX_PARAMETERS = MAX_ENTITIES + 3
/** A change that was torn is read again so often; then the next poll does. */
const READINGS = 3
const BETWEEN_READINGS_MS = 500

export async function load(
  api: ParameterApi,
  calls: Calls,
  timing: Timing,
  known: Revision | null,
): Promise<Loaded | 'unchanged'> {
  const seen = decodeMarks(known)
  let found = await read(api, calls)
  for (let readings = 1, heldVersion = seen.get(MANIFEST)?.[0]; isHalf(found, heldVersion); readings++) {
    if (readings === READINGS) throw halfWritten(found)
    heldVersion = found.get(MANIFEST)?.version
    await timing.wait(BETWEEN_READINGS_MS)
    found = await read(api, calls)
  }
  const loaded = loadedOf(found)
  return loaded.revision === known ? 'unchanged' : loaded
}

async function read(api: ParameterApi, calls: Calls): Promise<FoundByName> {
  const found = await api.readAll(calls, MAX_PARAMETERS)
  const entities = [...(found?.keys() ?? [])].filter((name) => 'key' in roleOf(name)).length
  if (found !== null && entities <= MAX_ENTITIES) return found
  const message = `has more than ${MAX_ENTITIES} flags, segments and routes in SSM, which is the most that Turnout reads there: use AppConfig`
  throw new StoreFailure({ reason: 'invalid', errors: [{ path: '$', message }] })
}

/**
 * Whether a change of several parameters is on its way, or was while they were read. `heldVersion`: the manifest's when this
 * reading began.
 */
function isHalf(found: FoundByName, heldVersion: number | undefined): boolean {
  const guard = found.get(MANIFEST)
  const manifest = guard === undefined ? null : readManifest(guard.value)
  if (guard === undefined || manifest === null) return false
  if (manifest.state === 'pending' || isTorn(manifest, found)) return true
  // It does not say what it changed: only a reading that began after its end is whole.
  return manifest.versions === null && guard.version !== heldVersion
}

function loadedOf(found: FoundByName): Loaded {
  const values = new Map([...found].map(([name, { value }]) => [name, value]))
  const { document, kills, errors, warnings } = join(values)
  if (errors.length > 0) throw new StoreFailure({ reason: 'invalid', errors })
  const marks = [...found].map(([name, parameter]) => [name, markOf(name, parameter)] as const)
  const blank = [...found.keys()].every((name) => name === MANIFEST)
  return { revision: encodeMarks(new Map(marks)), document, kills, warnings, reason: null, blank }
}

function halfWritten(found: FoundByName): StoreFailure {
  const sinceMs = found.get(MANIFEST)!.modifiedMs
  const detail = `a change of several parameters, begun ${new Date(sinceMs).toISOString()}, is not complete`
  return new StoreFailure({ reason: 'busy', detail, sinceMs })
}
