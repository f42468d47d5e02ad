/** Clients of the soak test: some take all of an answer, some send as much, some go away half-way, and some ask what hangs. */
import { Agent, request } from 'node:http'

/** What a client does. `gone`: leaves after the first piece of the answer. `gone-early`: before there is any. */
export const KINDS = ['takes', 'sends', 'gone', 'gone-early', 'hangs', 'hangs-gone'] as const
export type Kind = (typeof KINDS)[number]

/** Of a hundred requests. */
export const SHARES: Readonly<Record<Kind, number>> = {
  ...{ takes: 50, sends: 25, gone: 8, 'gone-early': 7, hangs: 7, 'hangs-gone': 3 },
}

const ORDER = KINDS.flatMap((kind) => Array<Kind>(SHARES[kind]).fill(kind))

/** Every kind in its share, well mixed: 37 has no divisor in common with 100. */
export const kindOf = (n: number): Kind => ORDER[(n * 37) % ORDER.length]!

export interface Counts {
  /** Bytes of bodies, either way. */
  bytes: number
  readonly answers: Map<string, number>
}

const agent = new Agent({ keepAlive: true })
const PIECE = Buffer.alloc(65_536, 'y')
/** Of those who leave while nothing has come. */
const EARLY_MS = 15

/** One request, until it is over for its client. */
export function visit(port: number, kind: Kind, bytes: number, counts: Counts): Promise<void> {
  const hangs = kind.startsWith('hangs')
  return new Promise((done) => {
    let outcome = kind.includes('gone') ? 'left' : 'broke off'
    const method = kind === 'sends' ? 'POST' : 'GET'
    const headers = kind === 'sends' ? { 'content-length': bytes } : {}
    const sent = request(
      { agent, host: '127.0.0.1', port, path: hangs ? '/hang' : '/well', method, headers },
      (response) => {
        response.on('error', () => {}) // told by the outcome
        response.on('data', (piece: Buffer) => {
          counts.bytes += piece.length
          if (kind === 'gone') sent.destroy()
        })
        response.on('end', () => {
          outcome = String(response.statusCode)
        })
      },
    )
    sent.on('error', ({ message }) => {
      if (!kind.includes('gone')) outcome = message
    })
    // Comes last, however it ended.
    sent.on('close', () => {
      const key = `${kind}: ${outcome}`
      counts.answers.set(key, (counts.answers.get(key) ?? 0) + 1)
      done()
    })
    if (kind === 'gone-early' || kind === 'hangs-gone') setTimeout(() => sent.destroy(), EARLY_MS)
    if (kind === 'sends') send(sent, bytes, counts)
    else sent.end()
  })
}

/** Ends the connections that wait for another request. */
export const leave = (): void => agent.destroy()

function send(sent: ReturnType<typeof request>, bytes: number, counts: Counts): void {
  let left = bytes
  const more = (): void => {
    while (left > 0) {
      const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE
      left -= piece.length
      counts.bytes += piece.length
      if (!sent.write(piece)) return void sent.once('drain', more)
    }
    sent.end()
  }
  more()
}
