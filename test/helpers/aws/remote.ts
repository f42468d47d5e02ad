/** An account of an emulator that runs in another process. Needs nothing but `fetch`: works inside workerd too. */
import { type AwsOperations, OPERATIONS } from './operations.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Address of the emulator's own door. */
    aws: string
  }
}

type Remote = {
  readonly [Name in keyof AwsOperations]: (
    ...args: Parameters<AwsOperations[Name]>
  ) => Promise<ReturnType<AwsOperations[Name]>>
}

export interface RemoteAccount extends Remote {
  /** Settings of a client, as the SDK takes them. */
  readonly endpoint: string
  readonly region: string
  readonly credentials: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken: string
  }
}

/** A new, empty account. `controlUrl` is what `inject('aws')` or `main.ts` says. */
export async function openAccount(controlUrl: string): Promise<RemoteAccount> {
  const opened = await fetch(`${controlUrl}/accounts`, { method: 'POST' })
  const { endpoint, ...credentials } = (await opened.json()) as {
    endpoint: string
  } & RemoteAccount['credentials']
  const call = async (name: string, args: unknown[]): Promise<unknown> => {
    const body = JSON.stringify(args)
    const response = await fetch(`${controlUrl}/accounts/${credentials.accessKeyId}/${name}`, {
      method: 'POST',
      body,
    })
    const value = await response.json()
    if (!response.ok) throw new Error(`[aws/remote] ${name}: ${value}`)
    return value
  }
  const operations = OPERATIONS.map((name) => [name, (...args: unknown[]) => call(name, args)])
  return { ...(Object.fromEntries(operations) as Remote), endpoint, region: 'eu-west-1', credentials }
}
