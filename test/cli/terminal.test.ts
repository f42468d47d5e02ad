/** Questions at a terminal, on streams that are one. */
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { processTerminal } from '../../cli/terminal.ts'

/** What is typed, and what the terminal shows of it. */
function terminal(isTTY = true) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const streams = { stdin, stdout, stderr }
  for (const stream of Object.values(streams)) Object.assign(stream, { isTTY })
  const shown = () => [stdout, stderr].map((stream) => String(stream.read() ?? '')).join('')
  return { terminal: processTerminal(streams as unknown as NodeJS.Process), stdin, shown }
}

describe('a question', () => {
  test('shows nothing of a secret that is typed', async () => {
    const { terminal: it, stdin, shown } = terminal()
    const answer = it.ask('Token: ', { secret: true })
    stdin.write('tn_secret\n')
    expect(await answer).toBe('tn_secret')
    expect(shown()).toBe('Token: \n')
  })

  test('shows what is typed if it is none', async () => {
    const { terminal: it, stdin, shown } = terminal()
    const answer = it.ask('Go on? ')
    stdin.write('y\n')
    expect(await answer).toBe('y')
    expect(shown().match(/Go on\? /g)).toHaveLength(1)
  })

  test.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('has no answer after %s', async (_, key) => {
    const { terminal: it, stdin } = terminal()
    const answer = it.ask('Token: ', { secret: true })
    stdin.write(key)
    expect(await answer).toBe(null)
  })
})

test('what comes through a pipe is read whole, and nobody is there to be asked', async () => {
  const { terminal: it, stdin } = terminal(false)
  stdin.end('tn_secret\n')
  expect(it).toMatchObject({ answers: false, screen: false })
  expect(await it.read()).toBe('tn_secret\n')
})
