/** How edges and control plane name one address of an origin. Pure. */
import type { Name } from './document.ts'

/** `ROUTE/VARIANT`, and `/HOST/PATH` of the URL where it is a member of a pool. */
export const upstreamName = (route: string, variant: Name, memberUrl?: string): string =>
  memberUrl === undefined
    ? `${route}/${variant}`
    : `${route}/${variant}/${memberUrl.slice(memberUrl.indexOf('://') + 3)}`
