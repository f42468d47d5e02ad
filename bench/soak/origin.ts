/**
 * The origin of the soak test, in a process of its own: takes any body, and answers with so many bytes (the first argument), as
 * fast as they are taken. Below `/hang` it takes requests and never answers. Tells its port, and whenever it is sent a message
 * how many connections it holds; ends with its parent.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const BYTES = Number(process.argv[2])
const PIECE = Buffer.alloc(65_536, 'x')

const server = createServer({ keepAliveTimeout: 2_000 }, (request, response) => {
  request.on('error', () => {}) // whoever had asked is gone
  request.resume()
  if (request.url!.startsWith('/hang')) return
  let left = BYTES
  const more = (): void => {
    if (!response.headersSent) response.writeHead(200, { 'content-length': BYTES })
    while (left > 0) {
      const piece = left < PIECE.length ? PIECE.subarray(0, left) : PIECE
      left -= piece.length
      if (!response.write(piece)) return void response.once('drain', more)
    }
    response.end()
  }
  // Who answers while a body still comes makes the connection end: that is not what is measured.
  request.on('end', more)
})
server.requestTimeout = 0
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', () =>
  server.getConnections((error, connections) => process.send?.({ connections: error ? -1 : connections })),
)
process.on('disconnect', () => process.exit())
