/**
 * The edge's own bundle on workerd, between a client and an origin that see every byte: for what only the wire shows. The
 * control plane is a stand-in that tells what it is told to.
 */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { compile, encodeSnapshot, type FlagDocument, type Kill } from '../../engine/index.ts'
import { build, PROJECT_ROOT } from '../../local/build.ts'
import { startWorkerd } from '../../local/workerd.ts'
import { makeTemporaryFolder, removeFolder } from './temporary-folder.ts'

export interface WireEdge {
  readonly port: number
  /** Publishes a document, and the kills that hold, at the next version. */
  publish(document: FlagDocument, kills?: readonly Kill[]): Promise<void>
  /** Makes the control plane slow or failing; gives how often it was read until now. */
  control(state?: { delayMs?: number; failure?: string | null }): Promise<number>
  stop(): Promise<void>
}

/** Starts the edge. `settings` are further text bindings. */
export async function startWireEdge(settings: Record<string, string> = {}): Promise<WireEdge> {
  const folder = makeTemporaryFolder()
  const { edge } = await build(() => {})
  const embed = (file: string) => `embed ${JSON.stringify(relative(folder, file))}`
  const bindings = Object.entries({
    ENVIRONMENT: 'test',
    COOKIE_KEY: 'an identity cookie key for the tests only',
    ...settings,
  }).map(([name, value]) => `(name = "${name}", text = ${JSON.stringify(value)})`)
  const configFile = join(folder, 'edge.capnp')
  writeFileSync(
    configFile,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = (
      modules = [(name = "index.js", esModule = ${embed(edge.file)})],
      compatibilityDate = "${edge.compatibilityDate}",
      compatibilityFlags = [${edge.compatibilityFlags.map((flag) => `"${flag}"`).join(', ')}],
      bindings = [(name = "CONTROL", service = (name = "control", entrypoint = "ControlRpc")), ${bindings.join(', ')}],
      globalOutbound = "network")),
    (name = "control", worker = (
      modules = [(name = "control.js", esModule = ${embed(join(PROJECT_ROOT, 'test/worker/control-stand-in.mjs'))})],
      compatibilityDate = "${edge.compatibilityDate}")),
    (name = "network", network = (allow = ["public", "private", "local"]))
  ],
  sockets = [
    (name = "edge", address = "127.0.0.1:0", http = (cfBlobHeader = "CF-Blob"), service = "edge"),
    (name = "control", address = "127.0.0.1:0", service = "control")
  ]
);
`,
  )
  const workerd = await startWorkerd({ configFile, sockets: ['edge', 'control'] })
  let version = 0
  const tell = async (state: object) => {
    const response = await fetch(`http://127.0.0.1:${workerd.ports.control}/`, {
      method: 'POST',
      body: JSON.stringify(state),
    })
    return ((await response.json()) as { reads: number }).reads
  }
  return {
    port: workerd.ports.edge!,
    async publish(document, killed = []) {
      version += 1
      const compiled = compile(document, {
        environment: 'test',
        epoch: 1,
        version,
        allowPrivateOrigins: true,
      })
      if (!compiled.ok) throw new Error(`document of this test: ${JSON.stringify(compiled.error)}`)
      const kills = { epoch: 1, version, kills: killed }
      const update = { environment: 'test', epoch: 1, snapshot: version, kills }
      await tell({ publish: { update, body: encodeSnapshot(compiled.value.snapshot) } })
    },
    control: (state = {}) => tell(state),
    async stop() {
      await workerd.stop()
      removeFolder(folder)
    },
  }
}

/** What an origin received, as it was written. */
export interface Received {
  readonly line: string
  /** Name as written, value; in order. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

export interface WireOrigin {
  readonly url: string
  readonly received: Received[]
  /** Decides the next answers; by default a plain 200. */
  answer: (request: IncomingMessage, response: ServerResponse) => void
  stop(): Promise<void>
}

export async function startWireOrigin(): Promise<WireOrigin> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const { method, url, httpVersion, rawHeaders } = request
    const headers = rawHeaders.flatMap((name, at) =>
      at % 2 === 0 ? [[name, rawHeaders[at + 1]!] as const] : [],
    )
    const line = `${method} ${url} HTTP/${httpVersion}`
    text(request).then(
      (body) => received.push({ line, headers, body }),
      () => received.push({ line, headers, body: '(aborted)' }),
    )
    origin.answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin: WireOrigin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (request, response) => {
      request.on('end', () => response.end('hello'))
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return origin
}

export interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  /** Values of a header, in order. */
  all(name: string): string[]
  /** As it was sent, chunks put together. */
  readonly body: Buffer
}

/** Writes bytes to a port of this machine; no library tidies them up. `latin1`: one character is one byte. */
export async function exchange(port: number, request: string): Promise<Answer> {
  const socket = connect(port, '127.0.0.1')
  socket.write(Buffer.from(request, 'latin1'))
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return parse(Buffer.concat(chunks))
}

/** One request with `Connection: close` and these header lines. */
export const ask = (
  port: number,
  target: string,
  lines: readonly string[] = [],
  method = 'GET',
  body = '',
): Promise<Answer> =>
  exchange(
    port,
    `${[`${method} ${target} HTTP/1.1`, 'Host: edge.test', 'Connection: close', ...lines].join('\r\n')}\r\n\r\n${body}`,
  )

/** A connection that is opened, written to, and given up by the test. */
export async function open(port: number, request: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(request)
  return socket
}

function parse(bytes: Buffer): Answer {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) throw new Error(`no response: ${JSON.stringify(bytes.toString('latin1').slice(0, 200))}`)
  const [line = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers = lines.map((header) => {
    const colon = header.indexOf(':')
    return [header.slice(0, colon), header.slice(colon + 1).trim()] as const
  })
  const all = (name: string) =>
    headers.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value)
  const rest = bytes.subarray(end + 4)
  const body = all('transfer-encoding').includes('chunked') ? joined(rest) : rest
  return { status: Number(line.split(' ')[1]), headers, all, body }
}

function joined(chunked: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = chunked.indexOf('\r\n', at)
    const size = Number.parseInt(chunked.subarray(at, lineEnd).toString('latin1'), 16)
    if (!(size > 0)) return Buffer.concat(parts)
    parts.push(chunked.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}
