/**
 * EventBridge with an API destination: changes as events, posted to an address. Best effort, as AWS says of them: each
 * is tried once, and how it went is noted.
 */
import { randomUUID } from 'node:crypto'

export interface Change {
  readonly source: 'aws.ssm' | 'aws.appconfig'
  readonly detailType: string
  readonly resources: readonly string[]
  readonly detail: Readonly<Record<string, unknown>>
}

interface Target {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export class Events {
  readonly #accountId: string
  #target: Target | null = null
  readonly deliveries: number[] = []

  constructor(accountId: string) {
    this.#accountId = accountId
  }

  deliverTo(url: string, headers: Readonly<Record<string, string>>): void {
    this.#target = { url, headers }
  }

  publish({ source, detailType, resources, detail }: Change, region: string, nowMs: number): void {
    if (this.#target === null) return
    const event = {
      version: '0',
      id: randomUUID(),
      'detail-type': detailType,
      source,
      account: this.#accountId,
      time: new Date(nowMs).toISOString(),
      region,
      resources,
      detail,
    }
    void this.#post(this.#target, JSON.stringify(event))
  }

  async #post({ url, headers }: Target, body: string): Promise<void> {
    const sent = fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
    this.deliveries.push(await sent.then(({ status }) => status).catch(() => 0))
  }
}
