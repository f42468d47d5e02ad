/** Every cell of the failover table. Source: docs/traffic.md, "Failover". */
import { describe, expect, it } from 'vitest'
import { type Failure, failureOf, mayRetry } from '../../worker/failover.ts'

const SAFE = ['GET', 'HEAD', 'OPTIONS']
const IDEMPOTENT = ['PUT', 'DELETE']
const OTHER = ['POST', 'PATCH']

/** Failure → group of methods → what it takes: `always`, the route's `idempotent`, or that and a key. */
const TABLE: Record<Failure, [string[], 'always' | 'idempotent' | 'idempotent and key'][]> = {
  unreached: [
    [SAFE, 'always'],
    [IDEMPOTENT, 'idempotent'],
    [OTHER, 'idempotent and key'],
  ],
  unavailable: [
    [SAFE, 'always'],
    [IDEMPOTENT, 'idempotent'],
    [OTHER, 'idempotent and key'],
  ],
  untouched: [
    [SAFE, 'always'],
    [IDEMPOTENT, 'always'],
    [OTHER, 'always'],
  ],
}

describe('may be tried again', () => {
  const cells = Object.entries(TABLE).flatMap(([failure, groups]) =>
    groups.flatMap(([methods, takes]) =>
      methods.map((method) => [failure as Failure, method, takes] as const),
    ),
  )

  it.each(cells)('%s, %s: %s', (failure, method, takes) => {
    for (const idempotent of [true, false])
      for (const hasIdempotencyKey of [true, false]) {
        const expected = takes === 'always' || (idempotent && (takes === 'idempotent' || hasIdempotencyKey))
        expect(mayRetry(failure, { method, idempotent, hasIdempotencyKey })).toBe(expected)
      }
  })

  it('is never assumed of a method that nobody knows, unless nothing was done', () => {
    for (const method of ['PROPFIND', 'CONNECT', 'TRACE', 'get', 'FOO']) {
      const attempted = { method, idempotent: true, hasIdempotencyKey: true }
      expect(mayRetry('unreached', attempted), method).toBe(false)
      expect(mayRetry('unavailable', attempted), method).toBe(false)
      expect(mayRetry('untouched', attempted), method).toBe(true)
    }
  })
})

describe('what an answer stands for', () => {
  it('is one of three failures for exactly the codes of the table', () => {
    const unavailable = [502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530]
    for (let code = 100; code < 600; code += 1) {
      const expected =
        code === 421 || code === 425 ? 'untouched' : unavailable.includes(code) ? 'unavailable' : null
      expect(failureOf(code, false), String(code)).toBe(expected)
    }
  })

  it('is that nothing was done only with 421, 425, or 503 and x-not-processed', () => {
    for (let code = 100; code < 600; code += 1)
      expect(failureOf(code, true) === 'untouched', String(code)).toBe([421, 425, 503].includes(code))
  })
})
