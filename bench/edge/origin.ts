/**
 * The origin of the edge benchmark, in a process of its own: answers every request without a body, at once, with the same
 * small document over kept-alive connections. It reads no more of a request than where it ends, so that it is never what
 * is measured. Prints its port; ends with its parent.
 */
import { type AddressInfo, createServer } from 'node:net'

const BODY = JSON.stringify({
  items: Array.from({ length: 8 }, (_, at) => ({ id: at, name: `article ${at}`, price: 1999 })),
})
const ANSWER = Buffer.from(
  [
    'HTTP/1.1 200 OK',
    'content-type: application/json',
    `content-length: ${BODY.length}`,
    'cache-control: max-age=60',
    'etag: "4711"',
    'x-origin: bench',
    '',
    BODY,
  ].join('\r\n'),
)
const END = Buffer.from('\r\n\r\n')

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    let received = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (let end = received.indexOf(END); end >= 0; end = received.indexOf(END)) {
      socket.write(ANSWER)
      received = received.subarray(end + END.length)
    }
    rest = received
  })
  socket.on('error', () => socket.destroy()) // whoever had asked is gone
})
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
