/**
 * Looks whether something new is in force, and reads it. AppConfigData says that there is; what it is, the control plane
 * gives: as authored, with variants and rules, and by its number. Throws `StoreFailure`.
 */
import { type Loaded, type Revision, StoreFailure } from '../store.ts'
import {
  type Deployment,
  inForce,
  isRunning,
  isTakenBack,
  NOTHING,
  numberIn,
  revisionOf,
} from './deployments.ts'
import type { Opened, Work } from './opened.ts'
import { poll } from './session.ts'

export async function load(
  opened: Opened,
  work: Work,
  known: Revision | null,
  pushed: boolean,
): Promise<Loaded | 'unchanged'> {
  const { memory, plane } = opened
  const { state, news } = await poll(plane, work.calls, memory.read().session, work.timing, pushed)
  // Read anew: a save may have noted something meanwhile.
  memory.write({ ...memory.read(), session: state })
  const kept = memory.read()
  const watched = await watch(opened, work, kept.watching)
  if (news === 'none') return nothing(opened, known)
  const reached = news === 'changed' || kept.news
  if (!reached && watched === 'as-before' && known !== null && known === kept.inForce) return 'unchanged'
  // What was delivered is not delivered again: until it is read, it stays news.
  memory.write({ ...memory.read(), news: reached })
  return read(opened, work, known, reached)
}

async function read(
  opened: Opened,
  work: Work,
  known: Revision | null,
  reached: boolean,
): Promise<Loaded | 'unchanged'> {
  const { api, place, memory } = opened
  const { ofProfile: deployments } = await api.deployments(work.calls, place)
  const current = inForce(deployments, { reached, own: numberIn(known ?? NOTHING) })
  if (current === null) return nothing(opened, known)
  const revision = revisionOf(current)
  const settled = () => {
    const { watching } = memory.read()
    const later = watching !== null && watching > current.number ? watching : null
    const next = isRunning(current) ? current.number : later
    memory.write({ ...memory.read(), news: false, inForce: revision, watching: next })
  }
  if (revision === known) {
    settled()
    return 'unchanged'
  }
  const content = place.format.read(await api.version(work.calls, place, current.version))
  if (!content.ok) throw new StoreFailure({ reason: 'invalid', errors: content.error })
  const reason = await reasonFor(opened, work, deployments, current)
  settled()
  return { revision, ...content.value, warnings: [], reason, blank: false }
}

/** Nothing was ever deployed, or all of it was taken back. */
function nothing({ memory }: Opened, known: Revision | null): Loaded | 'unchanged' {
  memory.write({ ...memory.read(), news: false, inForce: NOTHING, watching: null })
  if (known === NOTHING) return 'unchanged'
  return { revision: NOTHING, document: { flags: {} }, kills: [], warnings: [], reason: null, blank: true }
}

/** A deployment of ours counts from its start; if it is taken back before its end, we must hear of it, wherever pollers stand. */
async function watch(
  { api, place, memory }: Opened,
  { calls }: Work,
  number: number | null,
): Promise<'as-before' | 'ended'> {
  if (number === null) return 'as-before'
  const deployment = await api.deployment(calls, place, number)
  if (isRunning(deployment) && !isTakenBack(deployment)) return 'as-before'
  memory.write({ ...memory.read(), watching: null })
  return isTakenBack(deployment) ? 'ended' : 'as-before'
}

/** Why an older deployment is in force again. */
async function reasonFor(
  { api, place }: Opened,
  { calls }: Work,
  [newest]: readonly Deployment[],
  current: Deployment,
): Promise<string | null> {
  if (newest === undefined || newest.number === current.number || !isTakenBack(newest)) return null
  const { event } = await api.deployment(calls, place, newest.number)
  const how = newest.state === 'REVERTED' ? 'reverted' : 'rolled back'
  return `deployment ${newest.number} was ${how}${event === null ? '' : `: ${event}`}`
}
