/** POSTs with keys while the control plane is killed: sent again, none of them is ever done twice. */
import { afterEach, expect, test } from 'vitest'
import { type Answer, admin } from '../helpers/client.ts'
import { requireWholeHistory } from '../helpers/history.ts'
import { type SplitRun, startSplitRun, stopAll } from '../helpers/system.ts'

const KILLS = 3
const CLIENTS = 6
const LONGEST_LIFE_MS = 400

afterEach(stopAll)

interface Drill {
  readonly key: string
  /** `null`: the control plane was gone before it came. */
  answer: Answer | null
}

/** Each drill that is carried out is an entry in the audit log, and its reason tells for which key it was. */
const send = (run: SplitRun, { key }: Drill): Promise<Answer> =>
  admin(run, '/drill', {
    method: 'POST',
    headers: { 'idempotency-key': `"${key}"`, 'x-turnout-reason': key },
  })

async function drillUntilGone(run: SplitRun, name: string, drills: Drill[]): Promise<void> {
  for (;;) {
    const drill: Drill = { key: `${name}-${drills.length}`, answer: null }
    drills.push(drill)
    try {
      drill.answer = await send(run, drill)
    } catch (error) {
      if (error instanceof TypeError) return
      throw error
    }
    expect(drill.answer.status).toBe(202)
  }
}

test(`${KILLS} kills -9 at any moment: what is sent again with its key is done once`, async () => {
  const run = await startSplitRun()
  const made = await admin(run, '', { method: 'PUT', body: {}, headers: { 'if-none-match': '*' } })
  expect(made.status).toBe(201)

  for (let kill = 1; kill <= KILLS; kill += 1) {
    const clients = Array.from({ length: CLIENTS }, (): Drill[] => [])
    const drilling = clients.map((drills, client) => drillUntilGone(run, `${kill}-${client}`, drills))
    await new Promise((over) => setTimeout(over, Math.random() * LONGEST_LIFE_MS))
    await run.killAdmin()
    await Promise.all(drilling)
    await run.startAdmin()

    for (const drills of clients) {
      const unanswered = drills.at(-1)!
      const again = await send(run, unanswered)
      if (again.status === 409) expect(again.body.type).toBe('urn:turnout:problem:in-flight')
      else unanswered.answer = again
      for (const drill of drills.filter(({ answer }) => answer !== null).slice(-2)) {
        const replayed = await send(run, drill)
        expect([replayed.status, replayed.headers.get('idempotent-replayed')]).toEqual([202, 'true'])
        expect(replayed.body).toEqual(drill.answer!.body)
      }
    }
    const reasons = (await requireWholeHistory(run)).map(({ reason }) => reason)
    for (const { key, answer } of clients.flat()) {
      const done = reasons.filter((reason) => reason === key).length
      expect(answer === null ? [0, 1] : [1], `drill ${key}`).toContain(done)
    }
  }
}, 120_000)
