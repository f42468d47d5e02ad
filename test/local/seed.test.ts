import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compile, evaluate, NO_KILLS, prepare } from '../../engine/index.ts'
import { moveOrigins } from '../../local/seed.ts'

const { environment, document } = JSON.parse(
  readFileSync(new URL('../../local/seed.json', import.meta.url), 'utf8'),
)

const compiled = compile(document, { environment: 'dev', epoch: 1, version: 1, allowPrivateOrigins: true })
if (!compiled.ok) throw new Error(JSON.stringify(compiled.error))
const { snapshot, warnings } = compiled.value
const prepared = prepare(snapshot, NO_KILLS)

const variantOf = (flag: string, context: Record<string, unknown>) =>
  evaluate(prepared, flag, context).variant

describe('the seeded document', () => {
  test('compiles without a warning, for an open environment', () => {
    expect(warnings).toEqual([])
    expect(environment).toEqual({ open: true })
  })

  test('closes the shop while maintenance_mode is on, which it is not', () => {
    expect(document.routes.at(-1)).toMatchObject({ id: 'shop', maintenance: { flag: 'maintenance_mode' } })
    expect(variantOf('maintenance_mode', { targetingKey: 'user-1' })).toBe('off')
  })

  test('starts with the old data access, for everybody', () => {
    expect(variantOf('CONDUIT_USE_REPOSITORY_PATTERN', { targetingKey: 'user-1' })).toBe('off')
  })

  test('knows the allowlist of new-feature, and half of the others', () => {
    expect(variantOf('new-feature', { targetingKey: 'user1' })).toBe('on')
    const on = Array.from({ length: 4_000 }, (_, i) =>
      variantOf('new-feature', { targetingKey: `visitor-${i}` }),
    )
    const share = on.filter((variant) => variant === 'on').length / on.length
    expect(share).toBeGreaterThan(0.46)
    expect(share).toBeLessThan(0.54)
  })

  test('sends beta testers, Germany, France and a tenth of the others to the canary', () => {
    const inUS = { geo: { country: 'US' } }
    expect(variantOf('checkout-release', { ...inUS, targetingKey: 'beta1' })).toBe('canary')
    expect(variantOf('checkout-release', { targetingKey: 'x', geo: { country: 'DE' } })).toBe('canary')
    const all = Array.from({ length: 4_000 }, (_, i) =>
      variantOf('checkout-release', { ...inUS, targetingKey: `v${i}` }),
    )
    const share = all.filter((variant) => variant === 'canary').length / all.length
    expect(share).toBeGreaterThan(0.08)
    expect(share).toBeLessThan(0.12)
  })
})

describe('moving the demo origins', () => {
  const text = JSON.stringify(document, null, 2)
  const urls = (json: string) =>
    JSON.parse(json).routes.flatMap((route: { origins: Record<string, { url: string }> }) =>
      Object.values(route.origins).map(({ url }) => url),
    )

  test('replaces both addresses, also where they change places', () => {
    const moved = moveOrigins(text, { stable: 8781, canary: 8782 }, { stable: 8782, canary: 8781 })
    const [stable, canary] = ['http://127.0.0.1:8782', 'http://127.0.0.1:8781']
    expect(urls(moved)).toEqual([stable, canary, stable, canary])
  })

  test('changes nothing but those addresses', () => {
    const own = JSON.stringify({
      description: 'http://127.0.0.1:8781',
      origins: { a: { url: 'http://127.0.0.1:87810' }, b: { url: 'https://shop.example:8781' } },
    })
    expect(moveOrigins(own, { stable: 8781, canary: 8782 }, { stable: 1, canary: 2 })).toBe(own)
    const path = '{"url":"http://127.0.0.1:8781/base"}'
    expect(moveOrigins(path, { stable: 8781, canary: 8782 }, { stable: 1, canary: 2 })).toBe(
      '{"url":"http://127.0.0.1:1/base"}',
    )
  })
})
