import { describe, expect, it } from 'vitest'
import { parseJson } from '../../admin/json.ts'
import { ANY, call, environment, problem, value } from './client.ts'

const LARGE = '12345678901234567890'
const message = 'a number that would become 12345678901234567000; write it as a string'

describe('a number that a double does not hold', () => {
  it.each([
    [LARGE, 1, 1],
    [`-${LARGE}`, 1, 1],
    [`{"a":\n  [0, ${LARGE}]}`, 2, 7],
    [`{"${LARGE}":"${LARGE}","b":${LARGE},"c":1e400}`, 1, 52],
    [`[-1,-2.5e3,1.0,1.50,0.1,"-",${LARGE}]`, 1, 29],
    [`["\\"",${LARGE}]`, 1, 7],
  ])('is refused in %j, with its position', (text, line, column) => {
    expect(parseJson(text)).toEqual({
      ok: false,
      error: { line, column, message: text.startsWith('-') ? message.replace(' 1', ' -1') : message },
    })
  })

  it('may stand in a string, and as a name', () => {
    const text = `{"${LARGE}":"${LARGE} \\" 1e400"}`
    expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) })
  })

  it('comes second to what makes the text no JSON at all, and first before a name that is there twice behind it', () => {
    expect(parseJson(`[${LARGE},]`)).toMatchObject({ error: { column: 23 } })
    expect(parseJson(`{"a":${LARGE},"a":1}`)).toMatchObject({ error: { message } })
    expect(parseJson(`{"a":1,"a":${LARGE}}`)).toMatchObject({
      error: { message: 'the name "a" is there twice' },
    })
  })

  it('is found in a text of megabytes', () => {
    const text = `[${'1234567890123456,'.repeat(500_000)}${LARGE}]`
    expect(parseJson(text)).toMatchObject({ error: { column: 500_000 * 17 + 2, message } })
    expect(parseJson(`${'0'.repeat(1_000_000)}1`)).toMatchObject({ ok: false })
    expect(parseJson('9'.repeat(1_000_000))).toMatchObject({ ok: false })
  })

  it('is refused wherever a body is taken, and changes nothing', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    const flag = `{"enabled":true,"fallthrough":"b","variants":{"b":${LARGE}}}`
    for (const [method, path, body] of [
      ['PUT', `${api}/document`, `{"flags":{"a":${flag}}}`],
      ['PUT', `${api}/flags/a`, flag],
      ['PATCH', `${api}/flags/a`, flag],
      ['PATCH', `${api}/flags`, `{"a":${flag}}`],
      ['POST', `${api}/validate`, `{"a":${flag}}`],
      ['POST', `${api}/evaluate`, `{"flag":"a","context":{"n":${LARGE}}}`],
      ['PUT', `${api}/kills/all-flags`, `{"expiresInSeconds":${LARGE}}`],
      ['POST', '/api/v1/keys', `{"environment":"${name}","kind":"client","name":${LARGE}}`],
    ] as const) {
      const refused = await problem(await call(path, { method, body, headers: ANY }), 400)
      expect(refused.errors, `${method} ${path}`).toEqual([
        { path: expect.stringMatching(/^line 1, column \d+$/), message },
      ])
    }
    expect(await value(await call(api))).toMatchObject({ version: 2, killsVersion: 0 })
  })
})
