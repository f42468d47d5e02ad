/** Origins that are Workers of the same account and need no public address: the edge reaches them over service bindings. */

/** A Worker behind a service binding. */
export type Service = Pick<Fetcher, 'fetch'>

/** Bindings of the edge's own, which are no origins. */
const OWN = ['CONTROL', 'LAST_KNOWN_GOOD', 'RELEASE']

/**
 * Hosts, as documents name them in origins' URLs, and the bindings that answer for them: `SERVICE_ORIGINS` is
 * `shop.example.com=SHOP pay.example.com:8443=PAY`.
 */
export function serviceOrigins(
  text: string | undefined,
  env: Readonly<Record<string, unknown>>,
  problem: (text: string) => void,
): ReadonlyMap<string, Service> {
  const services = new Map<string, Service>()
  for (const pair of (text ?? '').split(/[\s,]+/).filter((part) => part !== '')) {
    const [, host, name] = /^([^\s=/@]+)=([A-Za-z_]\w*)$/.exec(pair) ?? []
    if (host === undefined || name === undefined) {
      problem(`SERVICE_ORIGINS must hold pairs such as shop.example.com=SHOP, got ${JSON.stringify(pair)}`)
      continue
    }
    const service = OWN.includes(name) ? undefined : (env[name] as Partial<Service> | undefined)
    if (typeof service?.fetch === 'function') services.set(host.toLowerCase(), service as Service)
    else problem(`SERVICE_ORIGINS names ${name}, which is no service binding for an origin`)
  }
  return services
}
