/**
 * An origin of the availability benchmark, in a process of its own that can be killed. What it does with requests is said by its
 * parent, in messages; it ends with it. Its port is the first argument, 0 for any; it tells the port once it listens.
 */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** `halved`: every other answer at random is a 500. `unavailable`: the same with 503. `refusing`: nothing listens. */
export type Mode = 'well' | 'hanging' | 'halved' | 'unavailable' | 'refusing'

const FAILURES: Partial<Record<Mode, number>> = { halved: 500, unavailable: 503 }

let mode: Mode = 'well'
let port = Number(process.argv[2] ?? 0)
const sockets = new Set<Socket>()
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume()
  request.on('end', () => {
    if (mode === 'hanging') return
    response.statusCode = (Math.random() < 0.5 && FAILURES[mode]) || 200
    response.end('an answer')
  })
})
server.on('connection', (socket) => {
  sockets.add(socket)
  socket.on('error', () => socket.destroy()) // whoever had asked is gone
  socket.on('close', () => sockets.delete(socket))
})

function listen(): void {
  server.listen(port, '127.0.0.1', () => {
    port = (server.address() as AddressInfo).port
    process.send?.({ port })
  })
}

process.on('message', (next: Mode) => {
  const was = mode
  mode = next
  if (next === 'refusing' && was !== 'refusing') {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  if (next !== 'refusing' && was === 'refusing') listen()
})
process.on('disconnect', () => process.exit())
listen()
