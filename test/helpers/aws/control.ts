/**
 * The emulator's own door, on a port of its own, for those who run elsewhere than in its process: a test inside workerd,
 * a person with curl. `POST /accounts` opens an account; `POST /accounts/ACCESS_KEY/OPERATION` with a JSON array of
 * arguments carries out one of `AwsOperations`. `remote.ts` is its client.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Account } from './account.ts'
import type { Emulator } from './emulator.ts'
import { OPERATIONS } from './operations.ts'

export interface Control {
  readonly url: string
  readonly close: () => Promise<void>
}

export async function startControl(emulator: Emulator, port = 0): Promise<Control> {
  const server = createServer(async (request, response) => {
    const { status, value } = await carryOut(emulator, request)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value ?? null))
  })
  await new Promise<void>((done, fail) => server.once('error', fail).listen(port, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

async function carryOut(
  emulator: Emulator,
  request: IncomingMessage,
): Promise<{ status: number; value: unknown }> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  const [, root, key, operation] = (request.url ?? '').split('/')
  if (root !== 'accounts' || request.method !== 'POST') return { status: 404, value: 'POST /accounts' }
  if (key === undefined) return { status: 201, value: open(emulator) }
  const account = emulator.accounts.find(({ credentials }) => credentials.has(key))
  const name = OPERATIONS.find((each) => each === operation)
  if (account === undefined || name === undefined) return { status: 404, value: `no ${key} ${operation}` }
  const args = JSON.parse(Buffer.concat(parts).toString() || '[]') as unknown[]
  try {
    const run = account[name] as (...args: unknown[]) => unknown
    return { status: 200, value: run.apply(account, args) }
  } catch (error) {
    return { status: 400, value: (error as Error).message }
  }
}

function open(emulator: Emulator) {
  const account = new Account()
  emulator.accounts.push(account)
  return { endpoint: emulator.url, ...[...account.credentials.values()][0] }
}
