import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { identify, isAlive } from '../../local/process-identity.ts'
import { acquire } from '../../local/running.ts'
import { openState } from '../../local/state.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

/** A process that does nothing, for as long as the test; it leads a group, as all that a run starts do. */
function idle(): { pid: number; child: ChildProcess } {
  const child = spawn('sleep', ['600'], { stdio: 'ignore', detached: true })
  onTestFinished(() => void child.kill('SIGKILL'))
  return { pid: child.pid!, child }
}

const gone = { pid: 2 ** 22 + 1, started: 'long ago' }

describe('one run at a time', () => {
  test('the folder is refused while the process that holds it lives', async () => {
    const state = openState(temporaryFolder())
    const running = await acquire(state)
    await expect(acquire(state)).rejects.toThrow(
      `Turnout already runs on ${state.dir} (process ${process.pid}): stop it, or set TURNOUT_STATE_DIR to another folder`,
    )
    running.release()
    expect(existsSync(state.runningFile)).toBe(false)
    ;(await acquire(state)).release()
  })

  test('a run that died is succeeded, and the workerd it left is ended', async () => {
    const state = openState(temporaryFolder())
    const orphan = identify(idle().pid)!
    writeFileSync(state.runningFile, JSON.stringify({ main: gone, workers: [orphan, gone] }))
    const running = await acquire(state)
    expect(isAlive(orphan)).toBe(false)
    running.release()
  })

  test('of many that succeed it at once, while its workerd ends, one holds the folder', async () => {
    const state = openState(temporaryFolder())
    const orphan = identify(idle().pid)!
    writeFileSync(state.runningFile, JSON.stringify({ main: gone, workers: [orphan] }))
    const starts = await Promise.allSettled(Array.from({ length: 5 }, () => acquire(state)))
    expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const start of starts)
      if (start.status === 'rejected') expect(String(start.reason)).toContain('Turnout already runs on')
    expect(readdirSync(state.dir).filter((name) => name.startsWith('running.json'))).toEqual(['running.json'])
  })

  test('a process that merely has the old id is neither respected nor ended', async () => {
    const state = openState(temporaryFolder())
    const { pid } = idle()
    const other = { pid, started: 'at another time' }
    writeFileSync(state.runningFile, JSON.stringify({ main: other, workers: [other] }))
    const running = await acquire(state)
    expect(identify(pid)).not.toBeNull()
    running.release()
  })

  test('a record that was cut off by a kill holds nothing', async () => {
    const state = openState(temporaryFolder())
    writeFileSync(state.runningFile, '{"main":{"pid"')
    ;(await acquire(state)).release()
  })

  test('a noted workerd is in the record', async () => {
    const state = openState(temporaryFolder())
    const running = await acquire(state)
    const { pid } = idle()
    running.note(pid)
    expect(JSON.parse(readFileSync(state.runningFile, 'utf8')).workers).toEqual([identify(pid)])
    running.release()
  })
})

describe('the identity of a process', () => {
  test('is the same every time, and differs from that of another', () => {
    expect(identify(process.pid)).toEqual(identify(process.pid))
    expect(isAlive(identify(process.pid)!)).toBe(true)
    expect(identify(idle().pid)?.started).not.toBe(identify(process.pid)?.started)
  })

  test('ends with the process', async () => {
    const { pid, child } = idle()
    const identity = identify(pid)!
    child.kill('SIGKILL')
    await expect.poll(() => isAlive(identity)).toBe(false)
    expect(identify(gone.pid)).toBeNull()
  })
})
