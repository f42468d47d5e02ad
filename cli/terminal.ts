/** The terminal that the process has, as commands use it. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Terminal } from './world.ts'

/** Resolves when a stream wants more, or never will again. */
export async function drained(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || !stream.writableNeedDrain) return
  const events = ['drain', 'error', 'close']
  await new Promise<void>((done) => {
    const go = () => {
      for (const event of events) stream.off(event, go)
      done()
    }
    for (const event of events) stream.on(event, go)
  })
}

type Streams = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr'>

export function processTerminal({ stdin, stdout, stderr }: Streams): Terminal {
  return {
    answers: stdin.isTTY === true && stderr.isTTY === true,
    screen: stdout.isTTY === true,
    columns: stdout.columns || 80,
    read: () => text(stdin),
    async ask(question, { secret = false } = {}) {
      if (secret) stderr.write(question)
      // Line editing writes what is typed to its output: a secret goes nowhere.
      const output = secret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : stderr
      const lines = createInterface({ input: stdin, output, terminal: true })
      const closed = new Promise<null>((done) => lines.once('close', () => done(null)))
      try {
        return await Promise.race([lines.question(secret ? '' : question), closed])
      } finally {
        lines.close()
        if (secret) stderr.write('\n')
      }
    },
  }
}
