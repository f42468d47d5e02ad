/** What is valid but surely not meant is a warning, and what could take for ever is an error. */
import { describe, expect, it } from 'vitest'
import { compile, type FlagDocument } from '../../engine/index.ts'

const options = { environment: 'test', epoch: 1, version: 1 }

function warnings(document: unknown) {
  const compiled = compile(document, options)
  return compiled.ok ? compiled.value.warnings : compiled.error
}

function errors(document: unknown) {
  const compiled = compile(document, options)
  return compiled.ok ? [] : compiled.error
}

describe('a warning', () => {
  it.each(['allowlist', 'allowedUsers'])('says that %s alone keeps nobody out', (list) => {
    expect(warnings({ beta: { enabled: true, [list]: ['user1'] } })).toEqual([
      { path: `$.flags.beta.${list}`, message: expect.stringContaining('on for everybody') },
    ])
    expect(warnings({ beta: { enabled: true, [list]: ['user1'], percentage: 0 } })).toEqual([])
    expect(warnings({ beta: { enabled: true, [list]: ['user1'], countries: ['DE'] } })).toEqual([])
  })

  it.each(['countries', 'continents', 'regions'])(
    'says that a flag whose %s are none is on nowhere',
    (list) => {
      expect(warnings({ beta: { enabled: true, percentage: 50, [list]: [] } })).toEqual([
        { path: `$.flags.beta.${list}`, message: expect.stringContaining('on nowhere') },
      ])
      expect(warnings({ beta: { enabled: true, [list]: [], countries: ['DE'] } })).toEqual([])
      expect(warnings({ beta: { enabled: true, percentage: 50 } })).toEqual([])
    },
  )

  it.each([{}, { path: '/*' }, { path: '*' }])(
    'names a route behind one that takes everything: %j',
    (match) => {
      const origins = { on: { url: 'https://a.example.com' }, off: { url: 'https://b.example.com' } }
      const route = (id: string, where: object) => ({ id, match: where, flag: 'x', origins, fallback: 'off' })
      const behind = warnings({
        flags: { x: true },
        routes: [route('all', match), route('late', { path: '/a' })],
      })
      expect(behind).toEqual([{ path: '$.routes[1]', message: expect.stringContaining('"all"') }])
      const before = [route('early', { path: '/a' }), route('all', match)]
      expect(warnings({ flags: { x: true }, routes: before })).toEqual([])
      const narrow = [route('host', { ...match, host: 'a.example.com' }), route('rest', {})]
      expect(warnings({ flags: { x: true }, routes: narrow })).toEqual([])
    },
  )
})

describe('references', () => {
  it('that ask ever more of each other are refused: 2^20 steps are not one evaluation', () => {
    const flags: FlagDocument['flags'] = { f20: true }
    for (let at = 0; at < 20; at += 1) {
      const next = { flag: `f${at + 1}`, variants: ['on'] }
      flags[`f${at}`] = { enabled: true, prerequisites: [next, next], fallthrough: 'on' }
    }
    expect(errors({ flags })).toContainEqual({
      path: '$.flags.f0.prerequisites',
      message: expect.stringContaining('10000'),
    })
  })
})
