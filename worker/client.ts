/**
 * Who a request comes from, where from, and by which scheme. On Cloudflare the platform says so. Where Turnout runs by
 * itself the connection says so, and trusted proxies in front: docs/security.md, "Behind your own proxy".
 */
import { type Client, clientBehind, type Peer, type Proxies } from '../engine/index.ts'

/** The part of `request.cf` that is read; every field may be missing. */
export type Place = Partial<IncomingRequestCfProperties>

/** What is looked at of a request. */
export interface Received {
  readonly headers: Headers
  readonly cf?: Request['cf'] | undefined
}

/** How to find out. */
export interface ClientSource {
  /** `null`: it is not known. */
  ip(request: Received): string | null
  /** Empty where nobody says it. */
  place(request: Received): Place
  /** `protocol`: of the request's URL. */
  isHttps(request: Received, protocol: string): boolean
  /** Headers `cf-…` are the platform's word; elsewhere they are a client's, and no origin must take them for more. */
  readonly hasPlatform: boolean
  /** Whether somebody has seen to it that the header Host holds one. */
  readonly hasHost: boolean
}

/** Cloudflare in front: what a client writes it replaces. */
export const PLATFORM: ClientSource = {
  ip: (request) => request.headers.get('cf-connecting-ip'),
  place: (request) => (request.cf ?? {}) as Place,
  isHttps: (_, protocol) => protocol === 'https:',
  hasPlatform: true,
  hasHost: true,
}

/** A local run: a client may write where it is, and is on this machine if it does not. */
export const LOCAL_RUN: ClientSource = {
  ...PLATFORM,
  hasHost: false,
  ip: (request) => PLATFORM.ip(request) ?? '127.0.0.1',
}

/** `countryHeader`: in which the proxies write the client's country. */
export function behindProxies(proxies: Proxies, countryHeader: string | null): ClientSource {
  const client = ({ cf, headers }: Received): Client =>
    clientBehind(proxies, (cf ?? {}) as Peer, headers.get('x-forwarded-for'))
  return {
    ip: (request) => client(request).address,
    place(request) {
      const country = countryHeader === null ? null : request.headers.get(countryHeader)
      return country !== null && client(request).isProxied ? placeIn(country.toUpperCase()) : {}
    },
    isHttps: (request, protocol) =>
      protocol === 'https:' ||
      (request.headers.get('x-forwarded-proto') === 'https' && client(request).isProxied),
    hasPlatform: false,
    hasHost: false,
  }
}

/** Member states of the European Union, November 2026. */
const EU = 'AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK'

function placeIn(country: string): Place {
  if (!/^[A-Z]{2}$/.test(country)) return {}
  return { country: country as Iso3166Alpha2Code, ...(EU.includes(country) && { isEUCountry: '1' }) }
}
