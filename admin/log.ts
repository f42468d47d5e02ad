/**
 * One JSON line an event, never with a secret in it. `warn`: it heals itself. `error`: a person must act. Every event:
 * docs/operations.md, "What the Workers log".
 */

type Fields = Record<string, string | number | boolean | null>

export const logWarn = (event: string, fields: Fields): void =>
  console.warn(JSON.stringify({ level: 'warn', event, ...fields }))

export const logError = (event: string, fields: Fields): void =>
  console.error(JSON.stringify({ level: 'error', event, ...fields }))

/** What an unknown thrown value says. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown)
