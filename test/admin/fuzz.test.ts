/**
 * Every operation, fuzzed from its own schema. Whatever is sent: no 5xx, a refusal is a problem that says what is wrong, and
 * where in the body; nothing that was refused leaves a trace; and what was taken can be read again.
 */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { randomFrom } from '../helpers/random.ts'
import { call, problem, value } from './client.ts'
import { SEGMENTS } from './fuzz/hostile.ts'
import { type Hostile, hostileRequest } from './fuzz/requests.ts'
import { stateOf } from './fuzz/state.ts'
import { forget, type Story, staging, story } from './fuzz/story.ts'
import { type Operation, openApiPage, type Page } from './operations.ts'

/** Another number looks elsewhere; it stands in the message of a failure. */
const SEED = 20261126
const REQUESTS = 25
const REQUESTS_WITH_BODY = 50

/** Reads everything that there is, each time. */
const SLOW = 'backUpEverything'

const page: Page = await openApiPage()

beforeAll(async () => {
  vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('no', { status: 400 }))
  await staging()
})

describe(`whatever is sent (seed ${SEED})`, () => {
  it.each(page.operations.map((operation): [string, Operation] => [operation.id, operation]))(
    '%s answers as it promises, and what it refuses changes nothing',
    async (id, operation) => {
      const random = randomFrom(SEED + [...id].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 0))
      let its = await story(operation)
      let state = await stateOf(its.stub)
      let taken = 0
      const times = id === SLOW ? 3 : operation.body === null ? REQUESTS : REQUESTS_WITH_BODY
      for (let n = 0; n < times; n++) {
        const request = hostileRequest(operation, its, random, page.resolve)
        const response = await send(request)
        const shown = `request ${n} of seed ${SEED}: ${show(request)}`
        if (response.status >= 400) await expectProblem(response, request, operation, shown)
        else await expectPromise(response, operation, shown)
        const after = await stateOf(its.stub)
        if (after === state) continue
        const mayChange = response.ok && (operation.method !== 'GET' || LEAVE_AN_ENTRY.includes(id))
        expect(mayChange, `${shown}\n${difference(state, after)}`).toBe(true)
        taken += 1
        if (operation.method === 'DELETE' || taken % 4 === 0) {
          await expectReadable(its)
          await forget(its)
          its = await story(operation)
          state = await stateOf(its.stub)
        } else state = after
      }
      await expectReadable(its)
      await forget(its)
    },
  )
})

describe('an address that leads nowhere', () => {
  it('is a problem too, with any method', async () => {
    const random = randomFrom(SEED)
    for (let n = 0; n < 200; n++) {
      const parts = Array.from({ length: 1 + random.below(5) }, () => random.pick(SEGMENTS))
      const address = `/api/v1/${parts.join('/')}`
      const method = random.pick(['GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'PURGE', 'get'])
      await problem(await call(address, { method }), 404)
    }
  })
})

/** Reads that the audit log tells of. */
const LEAVE_AN_ENTRY = ['backUpEverything', 'backUpEnvironment']

const send = ({ address, method, headers, body }: Hostile): Promise<Response> =>
  call(address, { method, headers, ...(body === null ? {} : { body }) })

/** Never a fault of ours, always problem details, of a kind that the page names; and if it is the body's fault, where. */
async function expectProblem(response: Response, request: Hostile, operation: Operation, shown: string) {
  expect(response.status, shown).toBeLessThan(500)
  expect(response.headers.get('content-type'), shown).toBe('application/problem+json')
  const { title, type, detail, errors, status } = await problem(response, response.status)
  expect({ title, type, detail, status }, shown).toEqual({
    title: expect.stringMatching(/./),
    type: expect.stringMatching(/^urn:turnout:problem:[a-z-]+$/),
    detail: expect.stringMatching(/./),
    status: response.status,
  })
  for (const { path, message } of errors)
    expect(
      [path, message].every((text) => text !== ''),
      shown,
    ).toBe(true)
  if (!request.bodyOnly) return
  expect([...operation.answers.keys()], `${shown} ${detail}`).toContain(status)
  if (status === 400 || status === 422) expect(errors, `${shown} ${detail}`).not.toEqual([])
}

/** Of a form that the page names. */
async function expectPromise(response: Response, operation: Operation, shown: string) {
  const text = await response.text()
  expect([...operation.answers.keys()], shown).toContain(response.status)
  const schema = operation.answers.get(response.status)
  if (!schema) return expect(text, shown).toBe('')
  const lines = response.headers.get('content-type') === 'application/x-ndjson'
  for (const part of lines ? text.split('\n').filter((line) => line !== '') : [text])
    expect(page.checkOf(schema).safeParse(JSON.parse(part)).error?.issues, `${shown} ${part}`).toBeUndefined()
}

/** Whatever was taken: what there is now can be read, and the audit log is whole. */
async function expectReadable({ api, name }: Story) {
  if ((await call(api)).status === 404) return
  for (const path of [
    '/document',
    '/document?form=full',
    '/flags?stale=true',
    '/kills',
    '/versions',
    '/reviews',
  ]) {
    const response = await call(`${api}${path}`)
    expect(response.status, `${path}: ${await response.text()}`).toBe(200)
  }
  for (const path of ['/approvals', '/schedules', '/windows', '/freezes', '/audit'])
    expect((await call(`/api/v1${path}?environment=${name}`)).status, path).toBe(200)
  const { valid } = await value(await call(`/api/v1/audit/verify?environment=${name}`))
  expect(valid).toBe(true)
}

const show = ({ method, address, headers, body }: Hostile): string =>
  `${method} ${address} ${JSON.stringify(headers)} ${body === null ? '' : body.slice(0, 2_000)}`

/** The first table that differs. */
function difference(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')]
  const at = now.findIndex((line, n) => line !== old[n])
  return `${old[at]?.slice(0, 1_000)}\n→ ${now[at]?.slice(0, 1_000)}`
}
