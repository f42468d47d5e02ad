/** `turnout mirrors`: how variants answer copies of requests. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { bodyOf } from '../client.ts'
import { option, positive } from '../options.ts'
import type { Commands } from '../run.ts'
import { openEnvironment } from '../session.ts'
import { table } from '../table.ts'
import { moment } from '../time.ts'
import type { World } from '../world.ts'

type Mirror = components['schemas']['MirrorState']

export const mirrorCommands: Commands = (program, act) => {
  const mirrors = program.command('mirrors').summary('how variants answer copies of requests')
  mirrors
    .command('list')
    .summary('how often the answers were alike, and where they were not')
    .addOption(option('--minutes <n>', 'how far back', positive))
    .action(act(listMirrors))
}

async function listMirrors(world: World, { minutes }: { readonly minutes?: number }): Promise<unknown> {
  const { api, environment, path } = openEnvironment(world)
  const { output } = world
  const query = minutes === undefined ? {} : { minutes }
  const { items } = await bodyOf(api.GET('/api/v1/environments/{env}/mirrors', { params: { path, query } }))
  if (items.length === 0) output.line(`No copy of a request was sent in ${environment} in that time.`)
  else for (const line of table([HEADINGS, ...items.map(countCells)])) output.line(line)
  const differences = items.flatMap((mirror) => mirror.differences.map((one) => differenceCells(mirror, one)))
  if (differences.length > 0) {
    output.line('')
    for (const line of table([DIFFERENCE_HEADINGS, ...differences])) output.line(line)
  }
  return { mirrors: items }
}

const HEADINGS = ['MIRROR', 'SENT', 'ALIKE', 'STATUS', 'LATENCY', 'BODY', 'FAILED', 'SKIPPED']

function countCells({ route, variant, sent, matched, differed, bodies, failed, skipped }: Mirror): string[] {
  const { status, latency, body } = differed
  const share = sent === 0 ? '-' : `${((100 * matched) / sent).toFixed(1)} %`
  const counts = [status, latency, `${body} of ${bodies}`, failed, skipped].map(String)
  return [`${route}/${variant}`, String(sent), share, ...counts]
}

const DIFFERENCE_HEADINGS = ['WHEN', 'MIRROR', 'REQUEST', 'STATUS', 'LATENCY', 'BODY']

function differenceCells({ route, variant }: Mirror, one: Mirror['differences'][number]): string[] {
  const body = one.hashes === null ? '-' : (one.pointer ?? 'differs')
  const [status, latency] = [one.status.join(' → '), `${one.latencyMs.join(' → ')} ms`]
  return [moment(one.at), `${route}/${variant}`, `${one.method} ${one.path}`, status, latency, body]
}
