/** Which headers of a route's requests say who asks: none for strangers, and none whose answer many may get. */
import type { Route } from '../engine/index.ts'

const USUAL = ['authorization', 'cookie', 'x-api-key']

/** With those in which the route finds tokens. */
export const credentialsOf = ({ identity = [] }: Route): readonly string[] => [
  ...USUAL,
  ...identity.flatMap((source) =>
    typeof source === 'object' && 'jwt' in source ? (source.jwt.header ?? []) : [],
  ),
]
