/** The chain of origins that a route writes down, by names and by numbers. */
import { expect, it } from 'vitest'
import { nextInChain, type Origin } from '../../engine/index.ts'

const route = (origins: Record<string, Partial<Origin>>, fallback = 'local') => ({
  fallback,
  origins: Object.fromEntries(
    Object.entries(origins).map(([name, origin]) => [
      name,
      { url: `https://${name}.example.com`, ...origin },
    ]),
  ),
})

/** All that are tried, one after the other. */
function chain(from: string, of: ReturnType<typeof route>): string[] {
  const tried: string[] = []
  for (let name: string | null = from; name !== null && !tried.includes(name); name = nextInChain(of, name))
    tried.push(name)
  return tried
}

it('goes to the fallback of the route where an origin says nothing', () => {
  expect(chain('openai', route({ openai: {}, anthropic: {}, local: {} }))).toEqual(['openai', 'local'])
})

it('goes by priority, from any link on, and ends with the last', () => {
  const of = route({ local: { priority: 3 }, anthropic: { priority: 2 }, openai: { priority: 1 } })
  expect(chain('openai', of)).toEqual(['openai', 'anthropic', 'local'])
  expect(chain('anthropic', of)).toEqual(['anthropic', 'local'])
  expect(chain('local', of)).toEqual(['local'])
})

it('prefers a name to a number, and `null` to both', () => {
  const of = route({
    a: { priority: 1, fallback: 'c' },
    b: { priority: 2 },
    c: { priority: 3, fallback: null },
    local: {},
  })
  expect(chain('a', of)).toEqual(['a', 'c'])
  expect(chain('b', of)).toEqual(['b', 'c'])
})

it('takes equal numbers by name, and each of them once', () => {
  const of = route({ b: { priority: 1 }, a: { priority: 1 }, c: { priority: 1 } }, 'a')
  expect(chain('a', of)).toEqual(['a', 'b', 'c'])
  expect(chain('b', of)).toEqual(['b', 'c', 'a'])
})
