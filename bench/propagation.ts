/**
 * `npm run bench:propagation`: how long a kill takes until no edge answers as before, seen by clients of the edges, beside
 * what `propagation` says of itself. 64 edges in one process, then a few with 10 000 flags and an edit under way, then an
 * edge that slept the whole time. `--check` fails where a goal is missed. `--rounds=N` kills (default 5), `--edges=N`
 * (64), `--large-edges=N` (4), `--asleep=N` seconds (120) say how much and how long.
 */
import { Agent } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { document, users } from './flags.ts'
import { type System, startSystem } from './propagation/system.ts'
import { type Answer, ask, FLAG, Traffic } from './propagation/traffic.ts'
import { conditions, figure, option, progress, table } from './report.ts'

const PER_SECOND = 20
/** After a kill: longer than any wrong answer may come. */
const WATCH_MS = 4_000
const MOST_P99_MS = 1_200
const NONE_AFTER_MS = 2_000

const rounds = option('rounds', 5)
const edges = option('edges', 64)
const largeEdges = option('large-edges', 4)
const asleepSeconds = option('asleep', 120)

interface Found {
  readonly title: string
  /** From the API's answer to an edge's last wrong one, of each edge and round; 0: there was none. */
  readonly lastWrongMs: number[]
  /** Wrong answers after two seconds. */
  lateAnswers: number
  /** How long any answer took, and how many came a second: what the machine adds to everything here. */
  readonly answerMs: number[]
  readonly perSecond: number[]
  /** What `propagation` said when it was complete. */
  readonly proofs: Proof[]
  /** From the API's answer to `complete`. */
  readonly provenMs: number[]
}

interface Proof {
  readonly complete: boolean
  readonly timed: number
  readonly p99Ms: number | null
  readonly maxMs: number | null
}

interface Scenario {
  readonly title: string
  readonly edges: number
  readonly document: unknown
  readonly maxHeapMb: number
  /** Changed right before each kill, so that every edge has a new body to fetch. */
  readonly edited?: string
}

const about = conditions()
const small = await underLoad(
  { title: 'one flag', edges, document: { flags: { [FLAG]: true } }, maxHeapMb: 128 },
  fallAsleep,
)
const large = await underLoad({
  title: '10 000 flags, one just edited',
  edges: largeEdges,
  document: { flags: { ...document(users(), 9_999).flags, [FLAG]: true } },
  maxHeapMb: 512,
  edited: 'percentage-00001',
})
print()

/** Kills and restores under load, round by round. `aside` gets the port of one edge more, without load; what it returns is done last. */
async function underLoad<T = null>(
  { title, edges: count, document, maxHeapMb, edited }: Scenario,
  aside?: (system: System, port: number) => Promise<() => Promise<T>>,
): Promise<{ found: Found; last: T | null }> {
  progress(`${title}: starting ${count} edges`)
  const system = await startSystem({ edges: count + (aside ? 1 : 0), maxHeapMb, document })
  const traffic = new Traffic(system.edges.slice(0, count), PER_SECOND)
  try {
    const finish = await aside?.(system, system.edges[count]!)
    const rest = { lastWrongMs: [], lateAnswers: 0, answerMs: [], perSecond: [], proofs: [], provenMs: [] }
    const found: Found = { title: `${title}; ${traffic.title}`, ...rest }
    for (let round = 1; round <= rounds; round += 1) {
      progress(`${title}: kill ${round} of ${rounds}`)
      await settled(traffic)
      // Not in step with the edges' reads.
      await sleep(1_000 * Math.random())
      if (edited) await system.call('POST', `/flags/${edited}/toggle`, { enabled: round % 2 === 0 })
      await kill(system, traffic, found)
      await system.call('DELETE', `/kills/flag:${FLAG}`)
    }
    traffic.stop()
    return { found, last: (await finish?.()) ?? null }
  } finally {
    traffic.stop()
    await system.stop()
  }
}

/** Waits until every edge answers as if nothing were killed. */
async function settled(traffic: Traffic): Promise<void> {
  for (let attempt = 0; attempt < 30; attempt += 1) {
    await sleep(500)
    const answers = traffic.take()
    if (answers.every((each) => each.length > 0 && each.every(({ value }) => value))) return
  }
  throw new Error('[bench] the edges do not all answer true within 15 s')
}

async function kill(system: System, traffic: Traffic, found: Found): Promise<void> {
  traffic.take()
  const { headers } = await system.call('PUT', `/kills/flag:${FLAG}`, { reason: 'benchmark' })
  const answeredMs = performance.now()
  const { proof, afterMs } = await proven(system, headers.get('x-turnout-kills')!, traffic.edges, answeredMs)
  found.proofs.push(proof)
  found.provenMs.push(afterMs)
  await sleep(Math.max(0, answeredMs + WATCH_MS - performance.now()))
  const watchedMs = performance.now() - answeredMs
  for (const answers of traffic.take()) {
    found.perSecond.push((answers.length / watchedMs) * 1_000)
    if (!answers.some(({ value }) => !value)) throw new Error('[bench] an edge was never killed')
    const wrong = answers.filter(({ value }) => value).map(({ atMs }) => Math.max(0, atMs - answeredMs))
    found.answerMs.push(...answers.map(({ tookMs }) => tookMs))
    found.lastWrongMs.push(Math.max(0, ...wrong))
    found.lateAnswers += wrong.filter((afterMs) => afterMs > NONE_AFTER_MS).length
  }
}

/** Asks until the kill is proven, and then until every edge under load has its time. */
async function proven(
  system: System,
  n: string,
  edges: number,
  fromMs: number,
): Promise<{ proof: Proof; afterMs: number }> {
  let afterMs: number | null = null
  for (;;) {
    const proof = (await system.call('GET', `/propagation?kill=${n}`)).body as Proof
    const nowMs = performance.now() - fromMs
    if (proof.complete) afterMs ??= nowMs
    if (afterMs !== null && proof.timed >= edges) return { proof, afterMs }
    if (nowMs > 10_000)
      throw new Error(`[bench] kill ${n} is not proven after 10 s: ${JSON.stringify(proof)}`)
    await sleep(50)
  }
}

/** Asks an edge once; then a kill, long before anybody asks again: what its first answer is. */
async function fallAsleep(
  system: System,
  port: number,
): Promise<() => Promise<{ answer: Answer; sleptMs: number }>> {
  const agent = new Agent()
  await ask(agent, port, 'ASLEEP')
  const sinceMs = performance.now()
  const left = () => Math.max(0, sinceMs + asleepSeconds * 1_000 - performance.now())
  return async () => {
    progress('an edge sleeps')
    await sleep(left() / 2)
    await system.call('PUT', `/kills/flag:${FLAG}`, { reason: 'while an edge sleeps' })
    await sleep(left())
    const sleptMs = performance.now() - sinceMs
    return { answer: await ask(agent, port, 'ASLEEP'), sleptMs }
  }
}

/** Nearest rank. */
function percentile(values: readonly number[], share: number): number {
  const ascending = values.toSorted((a, b) => a - b)
  return ascending[Math.ceil(share * ascending.length) - 1]!
}

function print(): void {
  progress('')
  console.log(`A kill, from the API's answer to the last wrong answer of each edge: ${rounds} kills, seen by clients
  edges in one workerd process, control plane in another, client and both on one machine; eight locations
  ${about}
`)
  const worst = ({ proofs }: Found, of: (proof: Proof) => number | null) =>
    figure(Math.max(...proofs.map((proof) => of(proof) ?? 0)))
  const all = [small.found, large.found]
  const rows: [string, (found: Found) => string][] = [
    ['last wrong answer, p50 ms', ({ lastWrongMs }) => figure(percentile(lastWrongMs, 0.5))],
    ['p99 ms', ({ lastWrongMs }) => figure(percentile(lastWrongMs, 0.99))],
    ['max ms', ({ lastWrongMs }) => figure(percentile(lastWrongMs, 1))],
    ['wrong answers after 2 s', ({ lateAnswers }) => String(lateAnswers)],
    ['propagation: largest p99 ms', (found) => worst(found, ({ p99Ms }) => p99Ms)],
    ['largest max ms', (found) => worst(found, ({ maxMs }) => maxMs)],
    ['complete after, max ms', ({ provenMs }) => figure(Math.max(...provenMs))],
    ['answers/s of an edge, fewest', ({ perSecond }) => figure(Math.min(...perSecond))],
    ['any answer takes, p50 ms', ({ answerMs }) => figure(percentile(answerMs, 0.5))],
    ['p99 ms', ({ answerMs }) => figure(percentile(answerMs, 0.99))],
  ]
  const header = ['', ...all.map(({ title }) => title)]
  console.log(table([header, ...rows.map(([name, of]) => [name, ...all.map(of)])]))
  const { answer, sleptMs } = small.last!
  console.log(
    `\n  an edge that slept ${figure(sleptMs / 1_000)} s: its first answer was ${answer.value ? 'WRONG' : 'right'}, after ${figure(answer.tookMs)} ms\n`,
  )
  const goals = [
    ...all.flatMap((found) => [
      {
        name: `${found.title}: p99 ≤ ${MOST_P99_MS} ms`,
        met: percentile(found.lastWrongMs, 0.99) <= MOST_P99_MS,
      },
      { name: `${found.title}: none wrong after 2 s`, met: found.lateAnswers === 0 },
    ]),
    { name: 'asleep: the first answer is right', met: !answer.value },
  ]
  console.log(table([['goal', ''], ...goals.map(({ name, met }) => [name, met ? 'met' : 'MISSED'])]))
  const missed = goals.filter(({ met }) => !met).length
  if (missed > 0 && process.argv.includes('--check')) {
    console.error(`\n${missed} of ${goals.length} goals missed`)
    process.exitCode = 1
  }
}
