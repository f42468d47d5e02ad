/** Writes a new hosted version and deploys it. It counts when its deployment has begun. Throws `StoreFailure`. */
import type { CompileIssue, Result } from '../../../engine/index.ts'
import { sameJson } from '../../governance/same-json.ts'
import type { Timing } from '../aws/timing.ts'
import { type Revision, StoreFailure } from '../store.ts'
import type { Deployments } from './api.ts'
import { type Deployment, inForce, isTakenBack, numberIn, revisionOf } from './deployments.ts'
import type { Format } from './format.ts'
import type { Opened, Work } from './opened.ts'

/** What AppConfig takes as one hosted version, by default. */
const MAX_BYTES = 1024 * 1024
/** A deployment of our own takes a moment, even without bake time: the next change waits for it so long. */
const OWN_DEPLOYMENT_MS = 5_000
const LOOK_AGAIN_MS = 500
/** Others write versions too, for other environments. */
const ATTEMPTS = 4

/** Makes the new text of the old one. */
export type Writing = (format: Format, held: string | null) => Result<string, readonly CompileIssue[]>

export async function save(
  opened: Opened,
  work: Work,
  expected: Revision,
  writing: Writing,
): Promise<Revision> {
  const { api, place, memory } = opened
  const { calls } = work
  const { newest, ofProfile } = await freeDeployments(opened, work, numberIn(expected))
  const current = inForce(ofProfile, { reached: true, own: numberIn(expected) })
  if (revisionOf(current) !== expected) throw changed(current)
  const held = current === null ? null : await api.version(calls, place, current.version)
  const written = writing(place.format, held)
  if (!written.ok) throw new StoreFailure({ reason: 'invalid', errors: written.error })
  if (held !== null && saysTheSame(place.format, held, written.value)) return expected
  requireSize(written.value)
  const version = await createVersion(opened, work, written.value)
  const number = await deploy(opened, work, version, expected, newest)
  const revision = revisionOf({ number, version })
  memory.write({ ...memory.read(), watching: number, newestVersion: version })
  return revision
}

/** A version that is not deployed after all is not left behind. */
async function deploy(
  opened: Opened,
  work: Work,
  version: number,
  expected: Revision,
  newest: number,
): Promise<number> {
  const { api, place } = opened
  try {
    const number = await api.deploy(work.calls, place, version, newest)
    if (number !== null) return number
    // Somebody else has deployed meanwhile: this profile, or another one, which is no reason not to.
    const { running, ofProfile } = await api.deployments(work.calls, place)
    const current = inForce(ofProfile, { reached: true, own: numberIn(expected) })
    if (revisionOf(current) !== expected) throw changed(current)
    if (running !== null) throw inTheWay(running, work.timing)
    const again = await api.deploy(work.calls, place, version, null)
    if (again !== null) return again
    throw busy('another deployment has begun at the same moment', work.timing.nowMs())
  } catch (thrown) {
    if (isConflict(thrown)) await api.deleteVersion(work.calls, place, version)
    throw thrown
  }
}

const isConflict = (thrown: unknown): boolean =>
  thrown instanceof StoreFailure && (thrown.error.reason === 'changed' || thrown.error.reason === 'busy')

/** Written in other words at most: that is no reason to deploy. */
function saysTheSame(format: Format, one: string, other: string): boolean {
  const [mine, theirs] = [format.read(one), format.read(other)]
  return mine.ok && theirs.ok && sameJson(mine.value, theirs.value)
}

/** Those of the environment, once none of them is running. Fails while one is that is not `own`, of whichever profile. */
async function freeDeployments(
  { api, place }: Opened,
  { calls, timing }: Work,
  own: number,
): Promise<Deployments> {
  for (const untilMs = timing.nowMs() + OWN_DEPLOYMENT_MS; ; await timing.wait(LOOK_AGAIN_MS)) {
    const deployments = await api.deployments(calls, place)
    const { running } = deployments
    if (running === null) return deployments
    if (running.number !== own || isTakenBack(running) || timing.nowMs() >= untilMs)
      throw inTheWay(running, timing)
  }
}

async function createVersion(
  { api, place, memory }: Opened,
  { calls }: Work,
  content: string,
): Promise<number> {
  let newest = memory.read().newestVersion || (await api.newestVersion(calls, place))
  for (let attempts = 1; attempts <= ATTEMPTS; attempts++) {
    const version = await api.createVersion(calls, place, content, newest)
    if (version !== null) return version
    newest = await api.newestVersion(calls, place)
  }
  throw busy('others keep writing versions of the profile', 0)
}

function requireSize(content: string): void {
  const bytes = new TextEncoder().encode(content).length
  if (bytes <= MAX_BYTES) return
  const message = `takes ${bytes} bytes as a hosted version, which has at most ${MAX_BYTES}`
  throw new StoreFailure({ reason: 'invalid', errors: [{ path: '$', message }] })
}

function changed(current: Deployment | null): StoreFailure {
  const detail =
    current === null
      ? 'what was deployed in AppConfig was taken back'
      : `AppConfig serves version ${current.version} by deployment ${current.number}, which is newer`
  return new StoreFailure({ reason: 'changed', detail, overwritten: null })
}

const inTheWay = ({ number, state, percentage }: Deployment, timing: Timing): StoreFailure =>
  busy(`deployment ${number} is ${state} (${percentage} %)`, timing.nowMs())

const busy = (detail: string, sinceMs: number): StoreFailure =>
  new StoreFailure({ reason: 'busy', detail, sinceMs })
