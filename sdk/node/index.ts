/**
 * The local client in Node: the same, but an open stream keeps no process alive. `fetch` has no way to say so; but it tells of the
 * socket that carries a request. Source: https://github.com/nodejs/undici/blob/main/docs/docs/api/DiagnosticsChannel.md
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createClient as create, type LocalClient, type ProcessOptions } from '../index.ts'

export * from '../index.ts'

interface Sent {
  readonly request: { readonly path: string }
  readonly socket: { unref(): void }
}

const releaseStream = (message: unknown): void => {
  const { request, socket } = message as Sent
  if (request.path.endsWith('/.turnout/stream')) socket.unref()
}

export function createClient(options: ProcessOptions): LocalClient {
  // Once, however many clients there are.
  unsubscribe('undici:client:sendHeaders', releaseStream)
  subscribe('undici:client:sendHeaders', releaseStream)
  return create(options)
}
