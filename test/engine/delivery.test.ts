/** What SDKs on servers are given. */
import { describe, expect, it } from 'vitest'
import {
  compile,
  decodeDelivery,
  encodeDelivery,
  evaluate,
  type FlagDocument,
  type KillList,
  NO_KILLS,
  prepare,
  type Snapshot,
  stateOf,
} from '../../engine/index.ts'

const document: FlagDocument = {
  flags: {
    'new-feature': { enabled: true, percentage: 30, allowlist: ['ada'] },
    release: {
      enabled: true,
      variants: { stable: 'v1', canary: 'v2' },
      off: 'stable',
      fallthrough: 'canary',
    },
  },
  segments: { staff: { include: ['ada'] } },
  routes: [
    {
      id: 'site',
      match: { path: '/*' },
      flag: 'release',
      origins: {
        stable: { url: 'https://stable.example.com' },
        canary: { url: 'https://canary.example.com' },
      },
      fallback: 'stable',
    },
  ],
}
const kills: KillList = { epoch: 7, version: 3, kills: [{ target: 'flag:release' }] }

function snapshot(): Snapshot {
  const access = { open: true, keys: [{ hash: 'a'.repeat(64), kind: 'server' as const }] }
  const compiled = compile(document, { environment: 'prod', epoch: 7, version: 12, access })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
  return compiled.value.snapshot
}

describe('a delivery', () => {
  it('says nothing of origins, their kills and closed breakers included', () => {
    const all: KillList = {
      ...kills,
      kills: [...kills.kills, { target: 'origin:site/canary/canary.example.com' }],
      closings: [{ origin: 'site/stable/stable.example.com', version: 3 }],
    }
    const text = encodeDelivery({ kills: all, snapshot: snapshot() })
    expect(text).not.toContain('example.com')
    expect(decodeDelivery(text)).toMatchObject({ value: { kills } })
  })

  it('decides what the snapshot decides, kills included', () => {
    const original = snapshot()
    const decoded = decodeDelivery(encodeDelivery({ kills, snapshot: original }))
    if (!decoded.ok) throw new Error(decoded.error)
    const here = prepare(original, kills)
    const there = prepare(decoded.value.snapshot, decoded.value.kills)
    for (const key of ['new-feature', 'release'])
      for (const targetingKey of ['ada', 'user-1', 'user-2'])
        expect(evaluate(there, key, { targetingKey })).toEqual(evaluate(here, key, { targetingKey }))
  })

  it('holds no hash of a key, opens nothing, and names no origin', () => {
    const text = encodeDelivery({ kills, snapshot: snapshot() })
    expect(text).not.toContain('aaaa')
    expect(text).not.toContain('"open":true')
    expect(text).not.toContain('example.com')
    expect(text).toContain('new-feature')
  })

  it('says what is wrong with a text that is none', () => {
    const text = encodeDelivery({ kills, snapshot: snapshot() })
    const failure = (broken: string) => {
      const decoded = decodeDelivery(broken)
      return decoded.ok ? null : decoded.error
    }
    expect(failure('')).toMatch(/^delivery is damaged: .*JSON/)
    expect(failure('{\n')).toMatch(/^delivery is damaged: .*JSON/)
    expect(failure('null\n{}')).toMatch(/^delivery is damaged: .*null/)
    expect(failure('{"kills":{"epoch":1,"kills":[]}}\n{}')).toBe('delivery is damaged: it lacks a field')
    expect(failure(text.replace('\n', ''))).toMatch(/^delivery is damaged: /)
    expect(failure(text.slice(0, -1))).toBe('snapshot is damaged: it was cut')
  })
})

describe('the name of a state', () => {
  it('changes with version, kills and epoch', () => {
    const at = snapshot()
    const states = [
      stateOf({ kills, snapshot: at }),
      stateOf({ kills: { ...kills, version: 4 }, snapshot: at }),
      stateOf({ kills, snapshot: { ...at, version: 13 } }),
      stateOf({ kills: { ...kills, epoch: 8 }, snapshot: { ...at, epoch: 8 } }),
    ]
    expect(states).toStrictEqual(['7-12-3', '7-12-4', '7-13-3', '8-12-3'])
  })

  it('takes kills of another epoch for none', () => {
    expect(stateOf({ kills: NO_KILLS, snapshot: snapshot() })).toBe('7-12-0')
    expect(stateOf({ kills: { ...kills, epoch: 6, version: 9 }, snapshot: snapshot() })).toBe('7-12-0')
  })
})
