/** Traffic moved in one command: blue to green, weights of version aliases, and back. */
import { describe, expect, it } from 'vitest'
import { ANY, call, environment, problem, value } from './client.ts'

const DOCUMENT = {
  flags: {
    live: { enabled: true, variants: { blue: 1, green: 2 }, off: 'blue', fallthrough: 'blue' },
    alias: { enabled: true, variants: { 1: 'a', 2: 'b', 3: 'c' }, off: '1', fallthrough: '1' },
    beta: { enabled: false, percentage: 10 },
  },
  routes: [
    {
      id: 'shop',
      match: { path: '/*' },
      flag: 'live',
      origins: { blue: { url: 'https://blue.example.com' }, green: { url: 'https://green.example.com' } },
      fallback: 'blue',
    },
  ],
}

async function plane() {
  const { api } = await environment(DOCUMENT)
  return {
    api,
    switch: (body: object) => call(`${api}/switch`, { body }),
    shift: (body: object) => call(`${api}/shift`, { body }),
    flag: async (key: string) => value(await call(`${api}/flags/${key}`)),
  }
}

describe('switch', () => {
  it('sends everybody from blue to green, and back, by the route', async () => {
    const { api, ...plane1 } = await plane()
    const there = await plane1.switch({ route: 'shop', from: 'blue', to: 'green', reason: 'release 12' })
    expect(there.headers.get('etag')).toBe('"v3"')
    expect(there.headers.get('x-turnout-version')).toBe('3')
    expect(await value(there)).toMatchObject({ enabled: true, fallthrough: 'green', off: 'blue' })
    expect((await value(await plane1.switch({ route: 'shop', to: 'blue' }))).fallthrough).toBe('blue')
    const [, entry] = (await value(await call(`/api/v1/audit?environment=${api.split('/').at(-1)}`))).items
    expect(entry).toMatchObject({ action: 'route.switched', subject: 'route:shop', reason: 'release 12' })
  })

  it('changes nothing where the flag serves something else than it was said to', async () => {
    const { flag, ...api } = await plane()
    const refused = await problem(await api.switch({ flag: 'live', from: 'green', to: 'blue' }), 409)
    expect(refused.detail).toBe('Flag live serves blue, not green')
    await value(await api.shift({ flag: 'live', weights: { blue: 90, green: 10 } }))
    await problem(await api.switch({ flag: 'live', from: 'blue', to: 'green' }), 409)
    expect((await flag('live')).fallthrough).toEqual({ blue: 90, green: 10 })
  })

  it('takes weights of which all go to one variant for that variant', async () => {
    const api = await plane()
    await value(await api.shift({ flag: 'live', weights: { blue: 0, green: 100 } }))
    await value(await api.switch({ flag: 'live', from: 'green', to: 'blue' }))
  })

  it('counts a disabled flag as serving its off variant, and enables it', async () => {
    const api = await plane()
    await value(await call(`${api.api}/flags/live/toggle`, { body: { enabled: false } }))
    expect(await value(await api.switch({ flag: 'live', from: 'blue', to: 'green' }))).toMatchObject({
      enabled: true,
      fallthrough: 'green',
    })
  })

  it('keeps the rules of a short form', async () => {
    const api = await plane()
    const switched = await value(await api.switch({ flag: 'beta', to: 'off' }))
    expect(switched).toMatchObject({ enabled: true, fallthrough: 'off', rules: [{ percentage: 10 }] })
  })

  it('names what is wrong', async () => {
    const api = await plane()
    const errors = async (response: Promise<Response>) =>
      (await problem(await response, 422)).errors.map(({ path }) => path)
    expect(await errors(api.switch({ to: 'green' }))).toEqual(['$.route'])
    expect(await errors(api.switch({ flag: 'live', route: 'shop', to: 'green' }))).toEqual(['$.route'])
    expect(await errors(api.switch({ flag: 'live' }))).toEqual(['$.to'])
    expect(await errors(api.switch({ flag: 'live', to: 'red' }))).toEqual(['$.flags.live.fallthrough'])
    expect((await problem(await api.switch({ route: 'shopp', to: 'green' }), 404)).detail).toContain('shop')
  })
})

describe('shift', () => {
  it('takes weights as an object and as the text of an alias', async () => {
    const api = await plane()
    const weights = { 1: 90, 2: 10 }
    expect((await value(await api.shift({ flag: 'alias', weights }))).fallthrough).toEqual(weights)
    const text = await value(await api.shift({ flag: 'alias', weights: '1:50, 2:49.5, 3:0.5' }))
    expect(text.fallthrough).toEqual({ 1: 50, 2: 49.5, 3: 0.5 })
  })

  it('goes back to the shares before, past changes of anything else, and back again', async () => {
    const api = await plane()
    await value(await api.shift({ flag: 'alias', weights: '1:90,2:10' }))
    await value(await api.shift({ flag: 'alias', weights: '1:0,2:100' }))
    const patch = { body: { owner: 'payments' }, method: 'PATCH', headers: ANY }
    await value(await call(`${api.api}/flags/alias`, patch))
    const back = await value(await api.shift({ flag: 'alias', previous: true, reason: 'errors' }))
    expect(back).toMatchObject({ owner: 'payments', fallthrough: { 1: 90, 2: 10 } })
    expect((await value(await api.shift({ flag: 'alias', previous: true }))).fallthrough).toEqual({
      1: 0,
      2: 100,
    })
  })

  it('says where there is nothing to go back to', async () => {
    const api = await plane()
    const { detail } = await problem(await api.shift({ flag: 'alias', previous: true }), 409)
    expect(detail).toBe('No version that is kept has flag alias serve anything but "1"')
  })

  it.each([
    ['no weights', {}, '$.weights'],
    ['both', { weights: '1:1', previous: true }, '$.weights'],
    ['a text that is none', { weights: '1=90' }, '$.weights'],
    ['a variant twice', { weights: '1:90,1:10' }, '$.weights'],
    ['a weight below 0', { weights: { 1: -1 } }, '$.weights'],
    ['an unknown variant', { weights: '1:90,9:10' }, "$.flags.alias.fallthrough['9']"],
    ['nothing but 0', { weights: '1:0,2:0' }, '$.flags.alias.fallthrough'],
  ])('refuses %s', async (_, body, path) => {
    const api = await plane()
    const refused = await problem(await api.shift({ flag: 'alias', ...body }), 422)
    expect(refused.errors.map((error) => error.path)[0]).toContain(path)
  })
})
