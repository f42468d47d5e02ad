/** One night of an on-call engineer: the command line against a whole local run with visitors. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { turnoutProcess } from '../cli/process.ts'
import { check, ready } from '../helpers/client.ts'
import { type LocalRun, newStateDir, startLocalRun, stopAll } from '../helpers/system.ts'

const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'

let run: LocalRun
let stopVisitors: () => Promise<void>
beforeAll(async () => {
  run = await startLocalRun()
  stopVisitors = visitors(run)
})
afterAll(async () => {
  await stopVisitors()
  await stopAll()
})

/** Somebody who asks again as soon as answered, until stopped. */
function visitors({ edgeUrl }: LocalRun): () => Promise<void> {
  let going = true
  const visit = async () => {
    while (going) await (await fetch(`${edgeUrl}/conduit`)).arrayBuffer()
  }
  const visiting = visit()
  return () => {
    going = false
    return visiting
  }
}

const flag = async () => (await check(run, FLAG)).body

test('login, toggle, kill, restore, back to an old version, and what the log says of it', async () => {
  const env = { XDG_CONFIG_HOME: newStateDir() }
  const turnout = async (...args: string[]) => {
    const { code, out, err } = await turnoutProcess(args, { env })
    expect({ args, code, err }).toEqual({ args, code: 0, err: '' })
    return out
  }
  const login = ['login', '--url', run.adminUrl, '--env', 'dev']
  expect(await turnoutProcess(login, { env, input: run.adminToken })).toMatchObject({ code: 0, err: '' })
  expect(await turnout('whoami')).toMatch(/^bootstrap \(admin, everywhere\)\n/)

  // Once it says that a change has landed, the very next answer is right: nothing here polls the edge.
  await turnout('flags', 'toggle', FLAG, 'on', '--reason', 'trying it', '--wait')
  expect(await flag()).toMatchObject({ value: true, reason: 'STATIC' })

  const killed = await turnout('kill', `flag:${FLAG}`, '--reason', 'errors since 10:02')
  expect(await flag()).toMatchObject({ value: false, metadata: { killed: true } })
  expect(killed).toMatch(/^Killed flag:CONDUIT_USE_REPOSITORY_PATTERN in dev: it serves its off variant, /)
  expect(killed).toMatch(/\nLanded: the one isolate with traffic has it(, after [\d.]+ m?s)?\.\n$/)
  expect(await turnout('kills', 'list')).toContain('errors since 10:02')
  expect(await turnout('flags', 'list')).toMatch(new RegExp(`^${FLAG} +KILLED +off `, 'm'))
  expect(await turnout('flags', 'explain', FLAG, '--key', 'user-1')).toMatch(/^→ +kill /m)

  await turnout('restore', `flag:${FLAG}`, '--reason', 'fixed')
  expect(await flag()).toMatchObject({ value: true, reason: 'STATIC' })
  expect(await turnout('drill')).toContain('No answer changes.')
  expect(await turnout('landing')).toMatch(/^Kill list of dev, version 3:/)

  const { version } = (await ready(run)).body
  expect(await turnout('versions', 'diff', String(version - 1))).toContain('      enabled false → true\n')
  const back = await turnout('versions', 'restore', String(version - 1), '--reason', 'enough for tonight')
  expect(back).toContain(
    `Done: dev is at version ${version + 1}, with the document of version ${version - 1}.`,
  )
  expect(await flag()).toMatchObject({ value: false, reason: 'DISABLED', metadata: {} })
  expect(await turnout('versions', 'show', String(version))).toContain(
    `bootstrap: trying it\n  ~ flag ${FLAG}`,
  )
  const log = await turnout('audit', 'list', '--env', 'dev', '--action', 'kill.*')
  expect(log).toMatch(/kill\.lifted .* fixed\n.*kill\.placed .* errors since 10:02\n/)
  expect(await turnout('audit', 'verify', '--all-envs')).toMatch(/^The audit log is whole: \d+ entries in /)
  expect(await turnout('logout')).toMatch(/^Forgot the token/)
})
