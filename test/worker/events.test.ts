/** `POST /.turnout/events`: what applications tell of flags, and how it reaches the control plane. */
import { describe, expect, it, vi } from 'vitest'
import type { FlagDocument } from '../../engine/index.ts'
import { type Control, type Edge, startEdge } from './edge.ts'
import { access, CLIENT_KEY, SERVER_KEY } from './keys.ts'

const document: FlagDocument = {
  flags: {
    checkout: { enabled: true, client: true },
    internal: { enabled: true },
    release: { enabled: true, variants: { v1: 1, v2: 2 }, off: 'v1', fallthrough: 'v2', client: true },
  },
}
const keyed = async () => startEdge(document, { access: await access() })

async function post(
  edge: Edge,
  body: unknown,
  query = `?key=${CLIENT_KEY}`,
  headers: Record<string, string> = {},
) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await edge.fetch(`/.turnout/events${query}`, { method: 'POST', body: text, headers })
  // biome-ignore lint/suspicious/noExplicitAny: a test looks wherever it likes
  return { status: response.status, headers: response.headers, body: (await response.json()) as any }
}

/** All rows that have been reported to the control plane, once there are so many. */
const reported = (control: Control, count: number) =>
  vi.waitFor(
    () => {
      const rows = control.batches.flatMap(({ flags = [] }) => flags)
      expect(rows.length).toBeGreaterThanOrEqual(count)
      return rows
    },
    { interval: 20 },
  )

describe('events', () => {
  it('are counted, and reach the control plane with the next report', async () => {
    const edge = await keyed()
    const flags = [
      { flag: 'checkout', variant: 'on', exposures: 1 },
      { flag: 'release', variant: 'v2', ok: 3, errors: 1, values: 2, sum: 30.5, squares: 500.25 },
    ]
    const { status, body, headers } = await post(edge, { flags })
    expect([status, body]).toStrictEqual([202, { counted: 2, ignored: [] }])
    expect(headers.get('access-control-allow-origin')).toBe('*')
    await post(edge, { flags: [{ flag: 'checkout', variant: 'on', exposures: 1 }] })
    const nothing = { exposures: 0, ok: 0, errors: 0, values: 0, sum: 0, squares: 0 }
    expect(await reported(edge.control, 2)).toStrictEqual([
      { ...nothing, flag: 'checkout', variant: 'on', exposures: 2 },
      { ...nothing, flag: 'release', variant: 'v2', ok: 3, errors: 1, values: 2, sum: 30.5, squares: 500.25 },
    ])
  })

  it('of a migration say which part they are about', async () => {
    const edge = await keyed()
    const flags = [
      { flag: 'release', variant: 'v2', part: 'read-new', ok: 1 },
      { flag: 'release', variant: 'v2', ok: 2 },
    ]
    expect((await post(edge, { flags })).body.counted).toBe(2)
    const rows = await reported(edge.control, 2)
    expect(rows.map(({ part, ok }) => [part, ok])).toStrictEqual([
      ['read-new', 1],
      [undefined, 2],
    ])
  })

  it('hold nothing but these numbers, whatever an application adds', async () => {
    const edge = await keyed()
    await post(edge, { user: 'ada', flags: [{ flag: 'checkout', variant: 'on', ok: 1, user: 'ada' }] })
    const rows = await reported(edge.control, 1)
    expect(JSON.stringify(rows)).not.toContain('ada')
  })

  it('are ignored, by name, where the environment knows no such flag or variant, or the key must not see it', async () => {
    const edge = await keyed()
    const flags = [
      { flag: 'checkout', variant: 'on', ok: 1 },
      { flag: 'checkout', variant: 'purple', ok: 1 },
      { flag: 'absent', variant: 'on', ok: 1 },
      { flag: 'internal', variant: 'on', ok: 1 },
      { flag: 'constructor', variant: 'on', ok: 1 },
    ]
    const { body } = await post(edge, { flags })
    expect(body.counted).toBe(1)
    expect(
      body.ignored.map(({ flag, variant }: Record<string, string>) => `${flag}/${variant}`),
    ).toStrictEqual(['checkout/purple', 'absent/on', 'internal/on', 'constructor/on'])
    const server = await post(edge, { flags }, '', { 'x-api-key': SERVER_KEY })
    expect(server.body.counted).toBe(2)
  })

  it.each([
    ['null', 'flags', 'must be a list'],
    ['{"flags":{}}', 'flags', 'must be a list'],
    ['{"flags":[3]}', 'flags[0]', 'must be an object'],
    ['{"flags":[{"variant":"on"}]}', 'flags[0].flag', 'must be a name of at most 128 characters'],
    ['{"flags":[{"flag":"a","variant":""}]}', 'flags[0].variant', 'must be a name of at most 128 characters'],
    [
      '{"flags":[{"flag":"a","variant":"b","part":"new"}]}',
      'flags[0].part',
      'must be one of read-old, read-new, write-old, write-new, check',
    ],
    [
      '{"flags":[{"flag":"a","variant":"b","ok":-1}]}',
      'flags[0].ok',
      'must be a whole number from 0 to 1000000',
    ],
    [
      '{"flags":[{"flag":"a","variant":"b","ok":1.5}]}',
      'flags[0].ok',
      'must be a whole number from 0 to 1000000',
    ],
    [
      '{"flags":[{"flag":"a","variant":"b","errors":"1"}]}',
      'flags[0].errors',
      'must be a whole number from 0 to 1000000',
    ],
    [
      '{"flags":[{"flag":"a","variant":"b","exposures":1000001}]}',
      'flags[0].exposures',
      'must be a whole number from 0 to 1000000',
    ],
    [
      '{"flags":[{"flag":"a","variant":"b","sum":1e16}]}',
      'flags[0].sum',
      'must be a number from -1000000000000000 to 1000000000000000',
    ],
    [
      '{"flags":[{"flag":"a","variant":"b","squares":-1}]}',
      'flags[0].squares',
      'must be a number from 0 to 1000000000000000',
    ],
  ])('%s is refused: %s %s', async (text, path, message) => {
    const edge = await keyed()
    const { status, body } = await post(edge, text)
    expect([status, body.errors]).toStrictEqual([400, [{ path, message }]])
  })

  it('are refused whole if one row is wrong', async () => {
    const edge = await keyed()
    const good = { flag: 'checkout', variant: 'on', ok: 1 }
    await post(edge, { flags: [good, { ...good, ok: 'many' }] })
    await post(edge, { flags: [{ ...good, errors: 1 }] })
    expect(await reported(edge.control, 1)).toMatchObject([{ ok: 1, errors: 1 }])
  })

  it('are refused where there are too many, too much, or no JSON', async () => {
    const edge = await keyed()
    const row = { flag: 'checkout', variant: 'on', ok: 1 }
    expect((await post(edge, { flags: Array(201).fill(row) })).body.errors[0].message).toBe(
      'must have at most 200 entries, got 201',
    )
    expect((await post(edge, { flags: [], pad: 'x'.repeat(65_536) })).status).toBe(413)
    expect((await post(edge, '{"flags":')).status).toBe(400)
  })

  it.each([
    ['', 'line 1, column 1', 'expected a value, got the end of the text'],
    ['x', 'line 1, column 1', 'expected a value, got "x"'],
    ['{\n"flags":[}', 'line 2, column 10', 'expected a value or "]", got "}"'],
  ])('that are no JSON are refused with the position: %j', async (body, path, message) => {
    expect(await post(await keyed(), body)).toMatchObject({
      status: 400,
      body: { detail: `the body must be JSON: ${path}: ${message}`, errors: [{ path, message }] },
    })
  })

  it.each([
    ['no key', ''],
    ['an unknown key', '?key=guessed'],
    ['a server key in the URL', `?key=${SERVER_KEY}`],
  ])('are refused with %s', async (_, query) => {
    expect((await post(await keyed(), { flags: [] }, query)).status).toBe(401)
  })

  it('are taken by POST alone', async () => {
    const { status, headers } = await (await keyed()).fetch('/.turnout/events')
    expect([status, headers.get('allow')]).toStrictEqual([405, 'POST, OPTIONS'])
  })
})
