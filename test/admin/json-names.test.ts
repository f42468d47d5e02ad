import { describe, expect, it } from 'vitest'
import { parseJson } from '../../admin/json.ts'
import { ANY, call, environment, problem, value } from './client.ts'

describe('a name that an object holds twice', () => {
  it.each([
    ['{"a":1,"a":2}', 1, 8, 'a'],
    ['{"a":1,"a":1}', 1, 8, 'a'],
    ['{"a":{},\n "b":[],\n "a":0}', 3, 2, 'a'],
    ['{"flags":{"x":{"enabled":true,"enabled":false}}}', 1, 31, 'enabled'],
    ['[1,{"a":[{"b":1},{"b":1}],"a":0}]', 1, 27, 'a'],
    ['{"a":1,"\\u0061":2}', 1, 8, 'a'],
    ['{"\\"":1,"\\u0022":2}', 1, 9, '"'],
    ['{"é":1,"e\\u0301":2,"\\u00e9":3}', 1, 20, 'é'],
    ['{"":1 , "" : 2}', 1, 9, ''],
    ['{"__proto__":1,"__proto__":2}', 1, 16, '__proto__'],
    ['{"a":"b","b":"a","b":"a"}', 1, 18, 'b'],
    ['{"a":{"a":{"a":1,"a":1}}}', 1, 18, 'a'],
    ['{"a":1,"a":2,"b":1,"b":2}', 1, 8, 'a'],
  ])('is refused in %j, with its position', (text, line, column, name) => {
    const message = `the name ${JSON.stringify(name)} is there twice`
    expect(parseJson(text)).toEqual({ ok: false, error: { line, column, message } })
  })

  it.each([
    '{"a":"a","b":"a"}',
    '["a","a",{"a":"a"},{"a":"a"}]',
    '{"a":{"a":{"a":["a","a"]}}}',
    '{"a":{"b":1},"c":{"b":1},"b":{}}',
    '{"a":1,"A":2,"a ":3}',
    '{"é":1,"e\\u0301":2}',
    '{"a,b":1,"b":{"c":"\\",\\"b\\":"}}',
    '{"__proto__":{"a":1},"constructor":{"a":1},"toString":1}',
    '"a"',
  ])('is not seen in %j', (text) => {
    expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text) })
  })

  it('is cut short in the message', () => {
    const name = 'n'.repeat(1_000_000)
    const at = parseJson(`{"${name}":1,"${name}":2}`)
    expect(at).toMatchObject({ error: { message: `the name "${'n'.repeat(80)}…" is there twice` } })
  })

  it('comes second to what makes the text no JSON at all', () => {
    const at = parseJson('{"a":1,"a":2,}')
    expect(at).toMatchObject({ ok: false, error: { column: 14 } })
  })

  it('is refused wherever a body is taken, and changes nothing', async () => {
    const { name, api } = await environment({ flags: { a: true } })
    const twice = (fields: string) => `{${fields},${fields}}`
    const enabled = twice('"enabled":true')
    for (const [method, path, body] of [
      ['PUT', `${api}/document`, `{"flags":{"a":${enabled}}}`],
      ['PUT', `${api}/flags/a`, enabled],
      ['PATCH', `${api}/flags/a`, enabled],
      ['PATCH', `${api}/flags`, twice('"a":false')],
      ['POST', `${api}/flags/a/toggle`, enabled],
      ['POST', `${api}/validate`, twice('"a":true')],
      ['POST', `${api}/evaluate`, twice('"flag":"a"')],
      ['PUT', `${api}/kills/all-flags`, twice('"reason":"x"')],
      ['PUT', api, twice('"open":false')],
      ['POST', '/api/v1/keys', `{"environment":"${name}","kind":"client","name":"x","name":"y"}`],
    ] as const) {
      const refused = await problem(await call(path, { method, body, headers: ANY }), 400)
      expect(refused.errors, `${method} ${path}`).toEqual([
        {
          path: expect.stringMatching(/^line 1, column \d+$/),
          message: expect.stringMatching(/is there twice$/),
        },
      ])
    }
    expect(await value(await call(api))).toMatchObject({ version: 2, killsVersion: 0 })
  })
})
