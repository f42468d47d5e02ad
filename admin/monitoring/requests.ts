/** Requests of the API that this isolate has answered since it started. Others count their own. */
import type { Sample } from './prometheus.ts'

export class RequestCounts {
  #startedAtMs: number | null = null
  readonly #counts = new Map<string, { labels: Sample['labels']; value: number }>()

  /** `routeClass`: the address without its parameters, such as `environments/flags`. */
  add(routeClass: string, method: string, status: number, nowMs: number): void {
    this.#startedAtMs ??= nowMs
    const key = `${routeClass} ${method} ${status}`
    const counted = this.#counts.get(key)
    if (counted) counted.value += 1
    else this.#counts.set(key, { labels: { class: routeClass, method, status: String(status) }, value: 1 })
  }

  get samples(): Sample[] {
    return [...this.#counts.values()].map(({ labels, value }) => ({ labels, value }))
  }

  /** Of the first request, ms since 1970; `null`: there was none. */
  get startedAtMs(): number | null {
    return this.#startedAtMs
  }
}

/** `/api/v1/environments/:env/flags/:key` → `environments/flags`; `page` for what is not the API. */
export function routeClassOf(path: string): string {
  const [api, version, ...rest] = path.split('/').slice(1)
  if (api !== 'api' || version !== 'v1') return 'page'
  return rest.filter((part) => part !== '' && !/^[:*{]/.test(part)).join('/') || 'none'
}
