/**
 * JSON bodies that are none: of every operation that takes one. What they hold is the fuzz test's, here is how they come.
 * Backups are read otherwise, line by line.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { MAX_BODY_BYTES } from '../../admin/env.ts'
import { call, environment, problem, TOKEN, value } from './client.ts'
import { stateOf } from './fuzz/state.ts'
import { type Story, story } from './fuzz/story.ts'
import { addressOf, type Operation, openApiPage } from './operations.ts'

const page = await openApiPage()
const TAKES_BODY = page.operations
  .filter(({ body }) => body?.mediaTypes.includes('application/json'))
  .map((operation): [string, Operation] => [operation.id, operation])

const encoder = new TextEncoder()

/** The operation with a body that comes as the stream gives it, without a declared length. */
const send = (
  operation: Operation,
  { values }: Story,
  body: ReadableStream<Uint8Array>,
  type = 'application/json',
) =>
  app.fetch(
    new Request(`https://admin.test${addressOf(operation, values)}`, {
      method: operation.method,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type, 'if-match': '*' },
      body,
    }),
    env,
  )

function streamOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const rest = parts.values()
  return new ReadableStream({
    pull(controller) {
      const { done, value: part } = rest.next()
      if (done) controller.close()
      else controller.enqueue(part)
    },
  })
}

describe.each(TAKES_BODY)('%s', (_, operation) => {
  it('refuses a body that is too large, not UTF-8, not JSON by its own word, or not whole, by its place', async () => {
    const its = await story(operation)
    const before = await stateOf(its.stub)
    const mebibyte = new Uint8Array(1024 * 1024).fill(0x20)
    const tooMuch = [
      ...Array.from({ length: MAX_BODY_BYTES / mebibyte.length }, () => mebibyte),
      new Uint8Array([0x20]),
    ]
    const json = encoder.encode(JSON.stringify(its.example))
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(json.subarray(0, json.length - 1))
        controller.error(new Error('connection lost'))
      },
    })
    const refusals: [Promise<Response> | Response, number, string][] = [
      [send(operation, its, streamOf(tooMuch)), 413, '$'],
      [send(operation, its, streamOf([new Uint8Array([0x22, 0xff, 0x22])])), 400, '$'],
      [send(operation, its, streamOf([json]), 'text/plain'), 415, 'content-type'],
      [send(operation, its, streamOf([json]), 'multipart/form-data; boundary=x'), 415, 'content-type'],
      [send(operation, its, broken), 400, '$'],
      [send(operation, its, streamOf([])), 400, 'line 1, column 1'],
    ]
    for (const [response, status, path] of refusals)
      expect((await problem(await response, status)).errors.map((error) => error.path)).toEqual([path])
    expect(await stateOf(its.stub)).toBe(before)
  })
})

describe('a body of which nothing is required', () => {
  it('may be left out, with its type or without', async () => {
    const { api } = await environment({ flags: { a: true } })
    const restore = (headers: Record<string, string>) =>
      call(`${api}/versions/1/restore`, { method: 'POST', headers })
    const first = await restore({})
    expect(first.headers.get('x-turnout-version')).toBe('3')
    expect(await value(first)).toMatchObject({ version: 3 })
    expect(await value(await restore({ 'content-type': 'application/json' }))).toMatchObject({ version: 3 })
  })

  it('may be left out wherever the page says so', async () => {
    const optional = TAKES_BODY.map(([, operation]) => operation).filter(({ body }) => !body!.required)
    expect(optional.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['restoreVersion', 'approveApproval', 'rotatePreviewKey']),
    )
    const { api } = await environment()
    expect((await call(`${api}/preview-key/rotate`, { method: 'POST' })).status).toBe(204)
  })
})

describe('a body of which something is required', () => {
  it('and that is left out, with its type or without, is answered with what is required', async () => {
    const { api } = await environment({ flags: { a: true } })
    const kill = `${api}/kills/flag:a`
    for (const headers of [{}, { 'content-type': 'application/json' }] as Record<string, string>[]) {
      const left = await problem(await call(kill, { method: 'PUT', headers }), 422)
      expect(left.errors.map(({ path }) => path)).toEqual(['$.reason'])
      const toggle = await problem(await call(`${api}/flags/a/toggle`, { method: 'POST', headers }), 422)
      expect(toggle.errors.map(({ path }) => path)).toEqual(['$.enabled'])
    }
    expect((await value(await call(`${api}/kills`))).items).toEqual([])
  })

  it('is still refused if it is left out where each of its parts may be, so that nothing is reset by accident', async () => {
    const { api } = await environment()
    const headers = { 'if-match': '*' }
    await problem(await call(api, { method: 'PUT', headers }), 415)
  })
})

describe('a body that trickles', () => {
  const putDocument = page.operations.find(({ id }) => id === 'putDocument')!

  it('is taken like any other, and holds nobody up meanwhile', async () => {
    const its = await story(putDocument)
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const answer = send(putDocument, its, readable)
    const text = encoder.encode('{"flags":{"slow":true}}')
    for (const [at, byte] of text.entries()) {
      await writer.write(new Uint8Array([byte]))
      // Others of the same environment, while the body is under way.
      if (at === 5)
        await value(
          await call(`${its.api}/kills/all-flags`, { method: 'PUT', body: { reason: 'meanwhile' } }),
        )
      if (at === 10)
        await value(await call(`${its.api}/flags/new-feature/toggle`, { body: { enabled: false } }))
    }
    expect((await value(await call(its.api))).version).toBe(3)
    await writer.close()
    expect(await value(await answer)).toMatchObject({ version: 4 })
    expect(await value(await call(`${its.api}/document`))).toEqual({ flags: { slow: true } })
  })

  it('and never ends is no change, and costs others nothing', async () => {
    const its = await story(putDocument)
    const before = await stateOf(its.stub)
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const answer = send(putDocument, its, readable)
    await writer.write(encoder.encode('{"flags":{'))
    expect((await call(`${its.api}/document`)).status).toBe(200)
    expect(await stateOf(its.stub)).toBe(before)
    await writer.abort(new Error('gave up'))
    await problem(await answer, 400)
    expect(await stateOf(its.stub)).toBe(before)
  })
})

describe('a backup that is restored', () => {
  it('is refused, and changes nothing, if it breaks off or is not packed as it says', async () => {
    const restore = page.operations.find(({ id }) => id === 'restoreEnvironment')!
    const its = await story(restore)
    const file = new Uint8Array(await (await call(`${its.api}/backup`)).arrayBuffer())
    const before = await stateOf(its.stub)
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(file.subarray(0, file.length / 2))
        controller.error(new Error('connection lost'))
      },
    })
    const type = 'application/x-ndjson'
    await problem(await send(restore, its, broken, type), 400)
    const packed = { 'content-type': type, 'content-encoding': 'gzip', authorization: `Bearer ${TOKEN}` }
    const request = new Request(`https://admin.test${its.api}/backup`, {
      method: 'PUT',
      headers: packed,
      body: file,
    })
    await problem(await app.fetch(request, env), 400)
    expect(await stateOf(its.stub)).toBe(before)
  })
})
