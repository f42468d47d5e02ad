/** How far a change has come, as the edges report it: for a screen, for a log, and in the end in one sentence. Pure. */
import type { components } from '../admin/api/openapi-types.d.ts'
import type { Finding } from './failure.ts'
import { table } from './table.ts'
import { moment, span } from './time.ts'
import { count, list } from './words.ts'

export type Propagation = components['schemas']['Propagation']
type Location = Propagation['locations'][number]
type Isolate = components['schemas']['Laggard']

/** A version of the kill list, or of the document. */
export interface Target {
  readonly kind: 'kill' | 'version'
  readonly version: number
}

/** Most locations that a screen has room for. */
const ROWS = 15

/** A table of the locations, those that are waited for first. */
export function landingTable(found: Propagation): string[] {
  const waiting = found.locations.filter((location) => !hasAll(location))
  const rows = [...waiting, ...found.locations.filter(hasAll)]
  const more = rows.length - ROWS
  return [
    ...table([
      ['LOCATION', 'HAVE IT', 'SLOWEST'],
      ...rows
        .slice(0, ROWS)
        .map((location) => [
          location.location,
          `${location.reached} of ${location.isolates}`,
          hasAll(location) ? timeOf(location.maxMs) : 'waiting',
        ]),
      ...found.settling
        .filter((place) => !waiting.some(({ location }) => location === place))
        .map((place) => [place, '', 'not heard yet']),
    ]),
    ...(more > 0 ? [`and ${count(more, 'location')} more`] : []),
  ].map((line) => `  ${line}`)
}

/** The same in one line. */
export function landingLine(found: Propagation): string {
  const waiting = waitingPlaces(found)
  const more = waiting.length - ROWS
  const named = [...waiting.slice(0, ROWS), ...(more > 0 ? [`${more} more`] : [])]
  const rest = named.length === 0 ? '' : `; waiting for ${named.join(', ')}`
  return `  on ${found.reached} of ${found.isolates} isolates with traffic${rest}`
}

/** Why it takes longer where it does, though nobody there may lack it; `null`: it does not. */
export function settlingSentence({ settling }: Propagation): string | null {
  if (settling.length === 0) return null
  const where = list(settling.slice(0, ROWS), 'and')
  return (
    `  The control plane has only just begun to listen to ${where}, and waits until every isolate there that has traffic has ` +
    'reported: 10 s at most.'
  )
}

/** What can be said for certain once it is complete. */
export function landedSentence(found: Propagation): string {
  const { isolates, locations, maxMs } = found
  if (isolates === 0)
    return 'Landed: no edge has traffic now, and each asks before it answers its next request.'
  if (isolates === 1)
    return `Landed: the one isolate with traffic has it${maxMs === null ? '' : `, after ${span(maxMs)}`}.`
  const where = count(locations.length, 'location')
  const slowest = maxMs === null ? '' : `; the slowest after ${span(maxMs)}`
  return `Landed: all ${isolates} isolates with traffic, in ${where}, have it${slowest}.`
}

/** Isolates that are not waited for, if there are any: nobody knows what they serve. */
export function lostSentence({ lost }: Propagation): string | null {
  if (lost.length === 0) return null
  const where = [...new Set(lost.map(nameOf))].slice(0, ROWS)
  return (
    `${count(lost.length, 'isolate')} in ${where.join(', ')} stopped reporting in the middle of traffic without it: ended, ` +
    'as after a deployment of the edge, or cut off from the control plane.'
  )
}

/** Who lacks it, in a few words: `IAD and SYD`. */
export const laggingPlaces = (found: Propagation): string => list(waitingPlaces(found).slice(0, ROWS), 'and')

/** Each isolate that lacks it, by name. */
export const laggardFindings = ({ laggards }: Propagation): Finding[] =>
  laggards.map(({ isolate, location, serves, lastSeenAt }) => ({
    path: `${location}, isolate ${isolate}`,
    message: `serves version ${serves.version} and kills ${serves.kills}, last seen ${moment(lastSeenAt)}`,
  }))

/** Each once: where an isolate lacks it, others may not have been heard yet. */
const waitingPlaces = ({ locations, settling }: Propagation): string[] => [
  ...new Set([...locations.filter((each) => !hasAll(each)).map(nameOf), ...settling]),
]

const hasAll = ({ reached, isolates }: Location): boolean => reached === isolates

const nameOf = ({ location }: Location | Isolate): string => location

/** An isolate that gave no older answer has no time. */
const timeOf = (ms: number | null): string => (ms === null ? 'at once' : span(ms))
