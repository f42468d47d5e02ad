/** Pages of a list. A token is good for its own question alone. */
import type { AwsError } from './wire.ts'

export interface Page<T> {
  readonly items: readonly T[]
  readonly next?: string
}

/** `question` is what the list depends on; throws `refusal` for a token of another question, or that is none. */
export function pageOf<T>(
  all: readonly T[],
  size: number,
  token: string | undefined,
  question: string,
  refusal: AwsError,
): Page<T> {
  const from = token === undefined ? 0 : positionOf(token, question, refusal)
  const to = from + size
  const next =
    to < all.length ? { next: Buffer.from(JSON.stringify([to, question])).toString('base64url') } : {}
  return { items: all.slice(from, to), ...next }
}

function positionOf(token: string, question: string, refusal: AwsError): number {
  try {
    const [at, of] = JSON.parse(Buffer.from(token, 'base64url').toString()) as [number, string]
    if (of === question) return at
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw refusal
}
