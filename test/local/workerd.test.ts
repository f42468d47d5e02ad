import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { identify, isAlive } from '../../local/process-identity.ts'
import { startWorkerd } from '../../local/workerd.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const LOCAL = fileURLToPath(new URL('../../local', import.meta.url))

/** Answers with an event stream that never ends. */
const ENDLESS = `export default { fetch: () => {
  const { readable, writable } = new TransformStream()
  const writer = writable.getWriter()
  const tick = () => writer.write(new TextEncoder().encode('data: tick\\n\\n')).then(() => setTimeout(tick, 20))
  tick()
  return new Response(readable, { headers: { 'content-type': 'text/event-stream' } })
} }`

function configFile(address = '127.0.0.1:0', script = ENDLESS): string {
  const dir = temporaryFolder()
  writeFileSync(join(dir, 'worker.js'), script)
  writeFileSync(
    join(dir, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "w", worker = (modules = [(name = "w", esModule = embed "worker.js")], compatibilityDate = "2026-10-20"))],
      sockets = [(name = "web", address = "${address}", http = (), service = "w")]);`,
  )
  return join(dir, 'config.capnp')
}

describe('workerd', () => {
  test('is ready when it says so, and gone after stop', async () => {
    const workerd = await startWorkerd({ configFile: configFile(), sockets: ['web'] })
    const identity = identify(workerd.pid)!
    const response = await fetch(`http://127.0.0.1:${workerd.ports.web}/`)
    expect(response.status).toBe(200)
    await response.body?.cancel()
    await workerd.stop()
    expect(isAlive(identity)).toBe(false)
    expect(await workerd.ended).toMatch(/SIGTERM|exit code/)
  })

  test('is not kept alive by a stream that never ends', async () => {
    const workerd = await startWorkerd({ configFile: configFile(), sockets: ['web'] })
    const response = await fetch(`http://127.0.0.1:${workerd.ports.web}/`)
    const reader = response.body!.getReader()
    await reader.read()
    await workerd.stop()
    expect(identify(workerd.pid)).toBeNull()
    await reader.cancel().catch(() => {})
  })

  test('tells how it ended when somebody else ends it', async () => {
    const workerd = await startWorkerd({ configFile: configFile(), sockets: ['web'] })
    process.kill(workerd.pid, 'SIGKILL')
    expect(await workerd.ended).toBe('SIGKILL')
  })

  test('a failed start gives its own words', async () => {
    const first = await startWorkerd({ configFile: configFile(), sockets: ['web'] })
    onTestFinished(() => first.stop())
    await expect(
      startWorkerd({ configFile: configFile(`127.0.0.1:${first.ports.web}`), sockets: ['web'] }),
    ).rejects.toThrow(/workerd ended at its start .*Socket "web": bind\(\): Address already in use/)
    await expect(
      startWorkerd({ configFile: configFile('127.0.0.1:0', 'export default {'), sockets: ['web'] }),
    ).rejects.toThrow(/workerd ended at its start .*SyntaxError/s)
  })

  test('a failed start without a word says what may be the matter', async () => {
    const kill = (pid: number) => process.kill(pid, 'SIGKILL')
    await expect(startWorkerd({ configFile: configFile(), sockets: ['web'], onSpawn: kill })).rejects.toThrow(
      /^workerd ended at its start \(SIGKILL\): it said nothing; .*delete node_modules/,
    )
  })

  test('does not outlive a main process that was killed without a word', async () => {
    const script = `
      const { startWorkerd } = await import(${JSON.stringify(join(LOCAL, 'workerd.ts'))})
      const { pid } = await startWorkerd({ configFile: ${JSON.stringify(configFile())}, sockets: ['web'] })
      console.log(pid)`
    const main = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(main.stdout, 'data')
    const workerd = identify(Number(line))!
    expect(isAlive(workerd)).toBe(true)
    main.kill('SIGKILL')
    await expect.poll(() => isAlive(workerd)).toBe(false)
  })
})
