/** What passes between the HTTP server and the services: one request, one answer, one kind of error. */

export interface AwsRequest {
  readonly method: string
  /** As it came: still encoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** A refusal as AWS words it: the exception's name, its status, and the members beside the message. */
export class AwsError extends Error {
  readonly type: string
  readonly status: number
  readonly members: Readonly<Record<string, unknown>>

  constructor(type: string, message: string, status = 400, members: Record<string, unknown> = {}) {
    super(message)
    this.type = type
    this.status = status
    this.members = members
  }
}

export const json = (status: number, value: unknown): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

/** A call as a service understands it, before it is carried out. */
export interface Understood {
  readonly action: string
  readonly resources: readonly string[]
  readonly input: Readonly<Record<string, unknown>>
  readonly run: () => Answer
}
