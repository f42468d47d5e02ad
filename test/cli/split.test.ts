/** `turnout switch` and `turnout shift`, as far as the API is told and the user is. */
import { describe, expect, test } from 'vitest'
import { problem } from './fake-admin.ts'
import { says, startApi } from './fake-api.ts'
import { turnout } from './run.ts'

const flag = (fallthrough: unknown) => ({
  enabled: true,
  variants: { blue: 1, green: 2 },
  off: 'blue',
  fallthrough,
})
const SWITCH = 'POST /environments/prod/switch'
const SHIFT = 'POST /environments/prod/shift'

describe('switch', () => {
  test('sends everybody to a variant, from the one that it was said to be', async () => {
    const api = await startApi({ [SWITCH]: says(flag('green'), { 'x-turnout-version': '31' }) })
    const { code, out } = await turnout(
      ['switch', 'route:shop', 'green', '--from', 'blue', '--reason', 'release 12'],
      api,
    )
    expect(out).toBe('route:shop serves green in prod, which is at version 31.\n')
    expect(code).toBe(0)
    expect(api.calls[0]!.body).toEqual({ route: 'shop', from: 'blue', to: 'green', reason: 'release 12' })
  })

  test('says which rules still send visitors elsewhere', async () => {
    const rules = [
      { id: 'testers', when: { segment: 'testers' }, serve: 'green' },
      { id: 'same', when: { segment: 'staff' }, serve: 'blue' },
      { id: 'ten-percent', percentage: 10, serve: 'green' },
    ]
    const ruled = { ...flag('blue'), rules }
    const api = await startApi({ [SWITCH]: says(ruled, { 'x-turnout-version': '32' }) })
    const { out } = await turnout(['switch', 'route:shop', 'blue'], api)
    expect(out).toBe(`route:shop serves 3 rules, else blue in prod, which is at version 32.
  Its rules go first: testers serves green and ten-percent serves green to 10 %.
`)
  })

  test('says what it was refused for', async () => {
    const api = await startApi({ [SWITCH]: problem(409, 'Flag live serves blue, not green.') })
    const { code, err } = await turnout(['switch', 'flag:live', 'blue', '--from', 'green'], api)
    expect(err).toContain('refuses (409): Flag live serves blue, not green.')
    expect(code).toBe(1)
  })

  test('is wrong about a target of another kind', async () => {
    const { code, err } = await turnout(['switch', 'tag:new', 'blue'], await startApi({}))
    expect(err).toContain('TARGET must be route:ID or flag:KEY, got "tag:new"')
    expect(code).toBe(2)
  })
})

describe('shift', () => {
  test('shares traffic by weight, and goes back to the shares before', async () => {
    const shares = flag({ blue: 90, green: 10 })
    const api = await startApi({ [SHIFT]: says(shares, { 'x-turnout-version': '31' }) })
    const { out } = await turnout(['shift', 'flag:live', 'blue:90,green:10'], api)
    expect(out).toBe('flag:live serves blue 90 %, green 10 % in prod, which is at version 31.\n')
    await turnout(['shift', 'flag:live', '--previous', '--reason', 'errors'], api)
    expect(api.calls.map(({ body }) => body)).toEqual([
      { flag: 'live', weights: 'blue:90,green:10' },
      { flag: 'live', previous: true, reason: 'errors' },
    ])
  })

  test.each([[[]], [['1:90,2:10', '--previous']]])('is wrong with neither or both: %j', async (more) => {
    const { code, err } = await turnout(['shift', 'flag:live', ...more], await startApi({}))
    expect(err).toContain('give either weights such as 1:90,2:10, or --previous')
    expect(code).toBe(2)
  })
})
