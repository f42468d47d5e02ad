/**
 * The commands of the pages for operators and applications, run as they stand there. Each does what it says, and answers what
 * stands below it, in that order: `…` is anything, and numbers are examples.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admin } from '../helpers/client.ts'
import { commandsOf, type PageCommand, PageShell, textOf } from '../helpers/page-commands.ts'
import { type LocalRun, newStateDir, startLocalRun, stopAll } from '../helpers/system.ts'

let run: LocalRun
let shell: PageShell
beforeAll(async () => {
  run = await startLocalRun()
  shell = new PageShell(run, newStateDir())
})
afterAll(async () => {
  shell.end()
  await stopAll()
})

const put = async (path: string, body: object, headers: Record<string, string> = { 'if-match': '*' }) => {
  const answer = await admin(run, `/api/v1/environments/${path}`, { method: 'PUT', headers, body })
  expect(answer.body, path).not.toHaveProperty('type')
}

const NEW = { 'if-none-match': '*' }
const FEATURE = { flags: { 'new-feature': { enabled: true, percentage: 5 } } }
const SHOP = { enabled: true, variants: { blue: 1, green: 2 }, off: 'blue', fallthrough: 'blue' }
const LIVE = { enabled: true, variants: { 1: 'one', 2: 'two' }, off: '1', fallthrough: '1' }

/** What a section takes for granted, by its heading; the pages say so. */
const BEFORE: Readonly<Record<string, () => Promise<void>>> = {
  'Blue and green, and version aliases': async () => {
    const { flags } = (await admin(run, '/api/v1/environments/demo/document')).body
    const { stable: blue, canary: green } = (await admin(run, '/routes/shop')).body.origins
    const route = { id: 'shop', match: {}, flag: 'shop', origins: { blue, green }, fallback: 'blue' }
    await put('demo/document', { flags: { ...flags, shop: SHOP, live: LIVE }, routes: [route] })
  },
  // The flag that the page shows above.
  'An example: dual write, switch the primary, clean up': async () => {
    const [, json] = /\n## The flag\n\n```json\n([\s\S]*?)```/.exec(textOf('docs/migrations.md'))!
    const file = JSON.stringify(JSON.parse(json!)['orders-db'])
    await shell.run(`printf %s '${file}' > orders-db.json`)
  },
  'From one environment to the next': async () => {
    await put('staging', {}, NEW)
    await put('staging/document', FEATURE)
  },
  'Changes that wait': async () => {
    await put('prod', {}, NEW)
    await put('prod/document', FEATURE)
    const kill = { body: { reason: 'errors since 10:02' }, method: 'PUT' }
    await admin(run, '/api/v1/environments/prod/kills/flag:new-feature', kill)
    await put('prod', { approvals: 1 })
  },
  // A restore over a protected environment needs broken glass, which the page tells of and does not show.
  'Everything in a file': async () => {
    const headers = { 'if-match': '*', 'x-turnout-break-glass': 'true', 'x-turnout-reason': 'a restore' }
    const gone = await admin(run, '/api/v1/environments/prod', { method: 'DELETE', headers })
    expect(gone.status).toBe(204)
  },
}

/** Parts of commands whose answers are not those of the page, each with its reason. */
const ANSWERED_OTHERWISE: readonly (readonly [part: string, reason: string])[] = [
  ['turnout outcomes orders-db', 'no application has reported anything'],
]

/** Parts of commands that cannot be run here, each with its reason. */
const ELSEWHERE: readonly (readonly [part: string, reason: string])[] = [
  ['stale=true', 'a flag is stale after 30 days at the earliest'],
  ['propagation?kill=5', 'its answer has traffic in two data centres'],
  ['/approve ', 'nobody approves what he asked for himself'],
  ['/replay', 'needs a receiver that refused something'],
  ['/test ', 'needs a receiver'],
  ['/.turnout/stream', 'never ends'],
  ['CF-Blob', 'one visitor in ten is answered otherwise, as the page says'],
]

const has = (parts: readonly (readonly [part: string, reason: string])[], commands: readonly string[]) =>
  parts.some(([part]) => commands.some((command) => command.includes(part)))

const PAGES: readonly { page: string; sections?: readonly string[] }[] = [
  {
    page: 'README.md',
    sections: ['Flip a flag and watch', 'Raise a percentage: nobody moves back', 'The page for one visitor'],
  },
  { page: 'docs/migrations.md' },
  { page: 'docs/ofrep.md' },
  { page: 'docs/sdk.md', sections: ['Events'] },
  { page: 'docs/api.md' },
  { page: 'docs/webhooks.md' },
  { page: 'docs/traffic.md' },
  { page: 'docs/operations.md', sections: ['Prove that a kill has landed'] },
]

describe.each(PAGES)('$page', ({ page, sections }) => {
  test('its commands do and answer what they say', async () => {
    const commands = commandsOf(page).filter(({ section }) => sections?.includes(section) ?? true)
    expect(commands.length).toBeGreaterThan(0)
    let section = ''
    for (const each of commands) {
      if (each.section !== section) await BEFORE[each.section]?.()
      section = each.section
      if (!has(ELSEWHERE, each.commands)) await tryOut(each)
    }
  })
})

async function tryOut({ commands, shown }: PageCommand): Promise<void> {
  let all = ''
  for (const command of commands) {
    const { text, code } = await shell.run(command)
    all += text
    // That loop ends with whether the flag is on for its last visitor.
    if (!command.includes('on_for'))
      expect(code === 0, `${command}\n${text}`).toBe(!shown.includes('refuses'))
    // Later commands name what this one has made or listed.
    for (const [name, field] of Object.entries({ ID: /"id":"([^"]+)"/, SEQ: /"seq":(\d+)/ })) {
      const value = field.exec(text)?.[1]
      if (value !== undefined) await shell.run(`${name}='${value}'`)
    }
  }
  if (!has(ANSWERED_OTHERWISE, commands)) expect(missing(shown, all), `${commands}\n${all}`).toBeNull()
}

/** The first part of `shown` that does not come in `text` in its turn; `null`: all do. */
function missing(shown: string, text: string): string | null {
  // A line that is a figure and nothing else is what the page is about.
  const plain = (each: string) =>
    each.toLowerCase().replace(/^.*[^\d\n].*$/gm, (line) => line.replace(/\d+(?:\.\d+)?/g, '0'))
  let rest = plain(text)
  for (const part of plain(shown).split(/…|\n/)) {
    // How often a command looks until a change has landed is up to the machine.
    if (part.startsWith('  on 0 of 0 isolates')) continue
    const at = rest.indexOf(part)
    if (at < 0) return part
    rest = rest.slice(at + part.length)
  }
  return null
}

describe('what stands below a command', () => {
  test('is found in its order, whatever the numbers', () => {
    expect(missing('{"a":1,…,"c":"…"}', '{"a":22,"b":[],"c":"x"}\n')).toBeNull()
    expect(missing('{"c":1,…,"a":1}', '{"a":1,"b":2,"c":1}')).toBe('{"c":0,')
  })

  test('is to be that figure, where there is nothing else in the line', () => {
    expect(missing('304\n', '304\n')).toBeNull()
    expect(missing('304\n', '200\n')).toBe('304')
  })
})
