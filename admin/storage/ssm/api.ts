/** The calls of SSM that the store needs, with their limits: pages and lists of ten. Throws `StoreFailure`. */
import {
  DeleteParametersCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  type Parameter,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm'
import type { Calls } from '../aws/calls.ts'
import { type AwsError, isAmbiguous, storeErrorOf } from '../aws/failure.ts'
import { StoreFailure } from '../store.ts'
import type { Seen } from './manifest.ts'

/** The most that AWS takes and gives at once. */
const TEN = 10

export interface Found extends Seen {
  readonly value: string
}

/** By name below the environment's path. */
export type FoundByName = Map<string, Found>

export interface Put {
  readonly name: string
  readonly value: string
  /** Version that stands there; 0: none does. */
  readonly over: number
}

export class ParameterApi {
  readonly #client: SSMClient
  readonly #path: string
  readonly #intelligent: boolean

  /** `path` without a slash at its end. `intelligent`: values may be as large as advanced parameters hold. */
  constructor(client: SSMClient, path: string, intelligent: boolean) {
    this.#client = client
    this.#path = path
    this.#intelligent = intelligent
  }

  /** Everything below the path; `null`: there are more than `most`. */
  async readAll(calls: Calls, most: number): Promise<FoundByName | null> {
    const found: FoundByName = new Map()
    let token: string | undefined
    do {
      const page = await calls.run('ssm:GetParametersByPath', (abortSignal) =>
        this.#client.send(
          new GetParametersByPathCommand({
            ...{ Path: this.#path, Recursive: true, WithDecryption: true, MaxResults: TEN },
            ...(token === undefined ? {} : { NextToken: token }),
          }),
          { abortSignal },
        ),
      )
      this.#collect(found, page.Parameters)
      if (found.size > most) return null
      token = page.NextToken
    } while (token !== undefined)
    return found
  }

  /** Those of the names that exist. */
  async read(calls: Calls, names: readonly string[]): Promise<FoundByName> {
    const found: FoundByName = new Map()
    for (let at = 0; at < names.length; at += TEN) {
      const Names = names.slice(at, at + TEN).map((name) => this.#full(name))
      const { Parameters } = await calls.run('ssm:GetParameters', (abortSignal) =>
        this.#client.send(new GetParametersCommand({ Names, WithDecryption: true }), { abortSignal }),
      )
      this.#collect(found, Parameters)
    }
    return found
  }

  /** Answers the version that was written. An attempt that may have succeeded is looked at before the next. */
  async put(calls: Calls, { name, value, over }: Put): Promise<number> {
    const command = new PutParameterCommand({
      ...{ Name: this.#full(name), Value: value, Overwrite: true },
      // One that exists keeps its type: it may be a SecureString.
      ...(over === 0 ? { Type: 'String' as const } : {}),
      ...(this.#intelligent ? { Tier: 'Intelligent-Tiering' as const } : {}),
    })
    for (let attempts = 1; ; attempts++) {
      try {
        const { Version } = await calls.once((abortSignal) => this.#client.send(command, { abortSignal }))
        return Version ?? 0
      } catch (thrown) {
        const error = thrown as AwsError
        if (!(await calls.mayRetry(error, attempts)))
          throw new StoreFailure(putErrorOf(name, error), { cause: thrown })
        const now = isAmbiguous(error) ? (await this.read(calls, [name])).get(name) : undefined
        if (now?.version === over + 1 && now.value === value) return now.version
      }
    }
  }

  async delete(calls: Calls, names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += TEN) {
      const Names = names.slice(at, at + TEN).map((name) => this.#full(name))
      await calls.run('ssm:DeleteParameters', (abortSignal) =>
        this.#client.send(new DeleteParametersCommand({ Names }), { abortSignal }),
      )
    }
  }

  #full(name: string): string {
    return `${this.#path}/${name}`
  }

  #collect(found: FoundByName, parameters: readonly Parameter[] = []): void {
    for (const { Name = '', Value = '', Version = 0, LastModifiedDate } of parameters)
      found.set(Name.slice(this.#path.length + 1), {
        ...{ value: Value, version: Version, modifiedMs: LastModifiedDate?.getTime() ?? 0 },
      })
  }
}

function putErrorOf(name: string, error: AwsError) {
  const action = `ssm:PutParameter of ${name}`
  if (error.name === 'ParameterMaxVersionLimitExceeded')
    return {
      reason: 'denied',
      detail: `parameter ${name} has 100 versions and the oldest has a label, so AWS takes no other: remove that label`,
    } as const
  return storeErrorOf(action, error)
}
