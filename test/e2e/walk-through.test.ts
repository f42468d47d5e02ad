/** What the README promises to somebody who has just run `npm start`. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admin, changeDocument, check, ready, side } from '../helpers/client.ts'
import { type LocalRun, startLocalRun, stopAll } from '../helpers/system.ts'

const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'
/** A change reaches the edge within about a second; polling gives up after several. */
const soon = { interval: 50 }

let run: LocalRun
beforeAll(async () => {
  run = await startLocalRun()
})
afterAll(stopAll)

const toggle = (enabled: boolean) =>
  admin(run, `/flags/${FLAG}/toggle`, { body: { enabled, reason: 'a test' } })

describe('the walk-through', () => {
  test('the three printed commands work as they stand: check, flip, kill', async () => {
    const commands = Array.from(run.output().matchAll(/^ {2}(curl .*)$/gm), ([, command]) => command!)
    expect(commands).toHaveLength(3)
    const [ask, flip, kill] = commands.map(
      (command) => () => JSON.parse(execFileSync('sh', ['-c', command], { encoding: 'utf8' })),
    )

    expect(ask!()).toMatchObject({ key: FLAG, value: false, variant: 'off', reason: 'DISABLED' })
    expect(await side(run, '/conduit')).toBe('stable')

    expect(flip!()).toMatchObject({ enabled: true })
    await expect.poll(() => side(run, '/conduit'), soon).toBe('canary')
    expect(ask!()).toMatchObject({ value: true, variant: 'on' })

    expect(kill!()).toMatchObject({ target: `flag:${FLAG}` })
    await expect.poll(() => side(run, '/conduit'), soon).toBe('stable')
    expect(ask!()).toMatchObject({ value: false, reason: 'DISABLED', metadata: { killed: true } })

    expect((await admin(run, `/kills/flag:${FLAG}`, { method: 'DELETE' })).status).toBe(204)
    await expect.poll(() => side(run, '/conduit'), soon).toBe('canary')
  })

  test('a flip is one version, and the edge says which it serves', async () => {
    const before = (await admin(run, '')).body.version
    await toggle(false)
    await expect.poll(async () => (await ready(run)).body.version, soon).toBe(before + 1)
    expect((await check(run, FLAG)).body).toMatchObject({ value: false, reason: 'DISABLED' })
    await toggle(true)
  })

  test('the page says in words which side it is, and what the edge told it', async () => {
    const html = await (await fetch(`${run.edgeUrl}/`, { headers: { 'x-canary': 'true' } })).text()
    expect(html).toContain('<h1>CANARY</h1>')
    expect(html).toMatch(/x-turnout-variant<\/th><td>canary</)
  })

  test('raising the percentage moves traffic, and nobody back', async () => {
    const visitors = Array.from({ length: 60 }, () => new Map<string, string>())
    const sides = () => Promise.all(visitors.map((jar) => sideWith(jar)))
    await Promise.all(visitors.map((jar) => sideWith(jar)))
    const raise = (percentage: number) =>
      changeDocument(run, ({ flags }) => {
        flags['checkout-release'].rules.at(-1).percentage = percentage
      })

    const { body } = await raise(20)
    await expect.poll(async () => (await ready(run)).body.version, soon).toBe(body.version)
    const atTwenty = await sides()
    const { body: next } = await raise(60)
    await expect.poll(async () => (await ready(run)).body.version, soon).toBe(next.version)
    const atSixty = await sides()
    expect(atSixty.filter((name) => name === 'canary').length).toBeGreaterThan(
      atTwenty.filter((name) => name === 'canary').length,
    )
    atTwenty.forEach((name, i) => {
      if (name === 'canary') expect(atSixty[i]).toBe('canary')
    })
    await raise(100)
    await expect.poll(() => side(run, '/anything'), soon).toBe('canary')
    await raise(10)
  })
})

describe('visitors', () => {
  test('an anonymous one stays on one side', async () => {
    const jar = new Map<string, string>()
    const sides = new Set<string>()
    for (let i = 0; i < 20; i++) sides.add(await sideWith(jar))
    expect(sides.size).toBe(1)
    expect([...jar.keys()]).toEqual(['turnout-id'])
  })

  test('the cookie is set once, holds no decision, and never reaches an origin', async () => {
    const first = await fetch(`${run.edgeUrl}/api/me`)
    const [cookie] = first.headers.getSetCookie()
    expect(cookie).toMatch(/^turnout-id=[\w-]+\.[\w-]+; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/)
    expect(cookie).not.toMatch(/canary|stable/)
    const pair = cookie!.split(';')[0]!
    const second = await fetch(`${run.edgeUrl}/api/me`, { headers: { cookie: `mine=1; ${pair}` } })
    expect(second.headers.getSetCookie()).toEqual([])
    expect((await second.json()) as object).toMatchObject({ headers: { cookie: 'mine=1' } })
  })

  test('x-canary: true asks for the canary, another value for nothing', async () => {
    expect(await side(run, '/shop', { 'x-canary': 'true' })).toBe('canary')
    const response = await fetch(`${run.edgeUrl}/shop`, { headers: { 'x-canary': 'true' } })
    expect(response.headers.get('x-turnout-reason')).toBe('STATIC')
    expect(response.headers.get('server-timing')).toBe('turnout;desc="canary"')
    const ignored = await fetch(`${run.edgeUrl}/shop`, { headers: { 'x-canary': 'yes' } })
    expect(ignored.headers.get('x-turnout-reason')).not.toBe('STATIC')
  })

  test('a visitor from Germany gets the canary by the geo rule', async () => {
    const place = (country: string) => ({ 'cf-blob': JSON.stringify({ country }) })
    const response = await fetch(`${run.edgeUrl}/`, { headers: place('DE') })
    expect(response.headers.get('x-turnout-reason')).toBe('TARGETING_MATCH')
    expect(response.headers.get('x-demo-origin')).toBe('canary')
    const japan = await fetch(`${run.edgeUrl}/`, { headers: place('JP') })
    expect(japan.headers.get('x-turnout-reason')).not.toBe('TARGETING_MATCH')
  })

  test('what a visitor claims to be the edge’s word is stripped', async () => {
    const headers = { 'x-turnout-variant': 'forged', 'x-turnout-anything': 'forged', 'x-canary': 'true' }
    const told = (await (await fetch(`${run.edgeUrl}/api/told`, { headers })).json()) as {
      headers: Record<string, string>
    }
    expect(told.headers['x-turnout-variant']).toBe('canary')
    expect(told.headers['x-turnout-anything']).toBeUndefined()
  })
})

/** One request with a cookie jar of its own; the side that answered. */
async function sideWith(jar: Map<string, string>): Promise<string> {
  const cookie = Array.from(jar, ([name, value]) => `${name}=${value}`).join('; ')
  const response = await fetch(`${run.edgeUrl}/`, { headers: cookie === '' ? {} : { cookie } })
  await response.arrayBuffer()
  for (const line of response.headers.getSetCookie()) {
    const [pair] = line.split(';')
    jar.set(pair!.slice(0, pair!.indexOf('=')), pair!.slice(pair!.indexOf('=') + 1))
  }
  return response.headers.get('x-demo-origin') ?? ''
}
