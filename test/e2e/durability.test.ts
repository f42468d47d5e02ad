/**
 * Many writers at once, and a control plane that is killed while they write: whatever was acknowledged is there, once and
 * whole. `TURNOUT_WRITERS` (default 1 000) and `TURNOUT_KILLS` (default 4) say how much; 50 kills take some minutes.
 */
import { afterEach, expect, test } from 'vitest'
import { type Answer, admin } from '../helpers/client.ts'
import { requireWholeHistory } from '../helpers/history.ts'
import { type SplitRun, startSplitRun, stopAll } from '../helpers/system.ts'

const WRITERS = Number(process.env.TURNOUT_WRITERS ?? 1_000)
const WRITERS_A_FLAG = 5
const KILLS = Number(process.env.TURNOUT_KILLS ?? 4)
/** Clients that write while the control plane is killed. */
const CLIENTS = 6
const LONGEST_LIFE_MS = 400
const SCHEDULES_A_LIFE = 5

afterEach(stopAll)

async function startWith(flags: object): Promise<SplitRun> {
  const run = await startSplitRun()
  expect((await admin(run, '', put({}, { 'if-none-match': '*' }))).status).toBe(201)
  expect((await admin(run, '/document', put({ flags }, { 'if-match': '*' }))).status).toBe(200)
  return run
}

const put = (body: unknown, headers: Record<string, string> = {}) => ({ method: 'PUT', body, headers })

test(`${WRITERS} writers with If-Match lose no update, and their history has no gap`, async () => {
  const flags = Array.from({ length: Math.ceil(WRITERS / WRITERS_A_FLAG) }, (_, n) => `flag-${n}`)
  const run = await startWith(
    Object.fromEntries(flags.map((key) => [key, { enabled: true, fallthrough: 'on' }])),
  )
  const before = (await admin(run, '')).body.version

  let refused = 0
  const write = async (writer: number): Promise<Answer> => {
    const path = `/flags/${flags[writer % flags.length]}`
    for (;;) {
      const read = await admin(run, path)
      const next = { ...read.body, metadata: { ...read.body.metadata, [`writer-${writer}`]: true } }
      const answer = await admin(run, path, put(next, { 'if-match': read.headers.get('etag')! }))
      if (answer.status !== 412) return answer
      refused += 1
    }
  }
  const answers = await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))

  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  const { body } = await admin(run, '/document')
  const written = Object.values<{ metadata: object }>(body.flags).flatMap(({ metadata }) =>
    Object.keys(metadata),
  )
  expect(written.toSorted()).toEqual(answers.map((_, writer) => `writer-${writer}`).toSorted())
  const versions = answers.map(({ headers }) => Number(headers.get('x-turnout-version')))
  expect(versions.toSorted((a, b) => a - b)).toEqual(answers.map((_, n) => before + 1 + n))
  const entries = await requireWholeHistory(run)
  const requests = entries.filter(({ action }) => action === 'flag.updated').map(({ requestId }) => requestId)
  expect(requests.toSorted()).toEqual(answers.map(({ headers }) => headers.get('x-request-id')).toSorted())
  // Or they never met.
  expect(refused).toBeGreaterThan(0)
}, 120_000)

/** One client's view: what it was told, and the one thing that it had asked for when the answer did not come. */
interface Memory {
  /** How often the client's two flags were changed, together. */
  count: number
  asked: number
  /** Whether its kill holds; `unknown`: the last call had no answer. */
  killed: boolean | 'unknown'
  /** Request ids of the changes that were acknowledged. */
  readonly acknowledged: string[]
}

const pairOf = (client: number) => [`left-${client}`, `right-${client}`] as const

/** Changes until the control plane is gone: two flags in one version, then a kill on or off, and so on. */
async function writeUntilGone(run: SplitRun, client: number, memory: Memory): Promise<void> {
  const [left, right] = pairOf(client)
  for (;;) {
    memory.asked = memory.count + 1
    const change = { metadata: { count: memory.asked } }
    const body = { [left]: change, [right]: change }
    const edited = await answerOf(
      admin(run, '/flags', { method: 'PATCH', body, headers: { 'if-match': '*' } }),
    )
    if (edited === null) return
    expect(edited.status).toBe(200)
    memory.count = memory.asked
    memory.acknowledged.push(edited.headers.get('x-request-id')!)

    const kill = `/kills/flag:${left}`
    const lifts = memory.killed === true
    memory.killed = 'unknown'
    const done = await answerOf(
      admin(run, kill, lifts ? { method: 'DELETE' } : put({ reason: `${memory.count}` })),
    )
    if (done === null) return
    expect(done.status).toBe(lifts ? 204 : 201)
    memory.killed = !lifts
    memory.acknowledged.push(done.headers.get('x-request-id')!)
  }
}

/** `null`: the connection broke, as it does where a process is killed. */
async function answerOf(call: Promise<Answer>): Promise<Answer | null> {
  try {
    return await call
  } catch (error) {
    if (error instanceof TypeError) return null
    throw error
  }
}

/** A schedule for any moment of this life of the control plane, or for soon after it. Answers its id. */
async function plan(run: SplitRun, flag: string, count: number): Promise<string> {
  for (;;) {
    const at = new Date(Date.now() + 50 + Math.random() * LONGEST_LIFE_MS).toISOString()
    const flags = { [flag]: { metadata: { count } } }
    const { status, body } = await admin(run, '/api/v1/schedules', {
      body: { environment: 'dev', at, flags },
    })
    if (status === 201) return body.id
    // On a busy machine its time may be over before it arrives.
    expect(body.errors).toEqual([{ path: '$.at', message: 'must be in the future' }])
  }
}

/** The version that a schedule says it made, as soon as it is done. */
async function versionOfDone(run: SplitRun, id: string): Promise<number> {
  const schedule = () => admin(run, `/api/v1/schedules/${id}`).then(({ body }) => body)
  await expect.poll(schedule, { interval: 50 }).toMatchObject({ status: 'done' })
  return (await schedule()).version
}

test(
  `${KILLS} kills -9 at any moment lose nothing that was acknowledged, and leave nothing half done`,
  async () => {
    const clients = Array.from({ length: CLIENTS }, (_, n) => n)
    const flag = { enabled: true, fallthrough: 'on', metadata: { count: 0 } }
    const keys = clients.flatMap((client) => pairOf(client))
    const planned = Array.from({ length: SCHEDULES_A_LIFE }, (_, n) => `planned-${n}`)
    const run = await startWith(Object.fromEntries([...keys, ...planned].map((key) => [key, flag])))
    const memories = clients.map((): Memory => ({ count: 0, asked: 0, killed: false, acknowledged: [] }))

    for (let kill = 1; kill <= KILLS; kill += 1) {
      const schedules: string[] = []
      for (const flag of planned) schedules.push(await plan(run, flag, kill))
      const writing = clients.map((client) => writeUntilGone(run, client, memories[client]!))
      await new Promise((over) => setTimeout(over, Math.random() * LONGEST_LIFE_MS))
      await run.killAdmin()
      await Promise.all(writing)
      await run.startAdmin()

      const { flags } = (await admin(run, '/document')).body
      const kills = (await admin(run, '/kills')).body.items.map(({ target }: { target: string }) => target)
      for (const [client, memory] of memories.entries()) {
        const [left, right] = pairOf(client)
        const { count } = flags[left].metadata
        expect(flags[right].metadata.count).toBe(count)
        expect([memory.count, memory.asked]).toContain(count)
        memory.count = count
        const killed = kills.includes(`flag:${left}`)
        expect([killed, 'unknown']).toContain(memory.killed)
        memory.killed = killed
        // What the control plane decides by is the same state: the snapshot and the kill list of that moment.
        const { body } = await admin(run, '/evaluate', { body: { flag: left, context: {} } })
        expect(body.decision).toMatchObject({ value: !killed, metadata: { count } })
      }
      const versions: number[] = []
      for (const id of schedules) versions.push(await versionOfDone(run, id))
      // Nobody writes any more.
      const entries = await requireWholeHistory(run)
      const noted = entries.map(({ requestId }) => requestId)
      for (const { acknowledged } of memories) expect(noted).toEqual(expect.arrayContaining(acknowledged))
      for (const [n, flag] of planned.entries()) {
        const made = entries.filter(({ details }) => `dev:${details.schedule}` === schedules[n])
        expect(made.map(({ version }) => version)).toEqual([versions[n]])
        expect((await admin(run, `/flags/${flag}`)).body.metadata.count).toBe(kill)
      }
    }
  },
  60_000 + KILLS * 10_000,
)
