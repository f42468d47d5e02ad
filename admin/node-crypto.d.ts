/** The one function used of the runtime's `node:crypto`: hashing without a promise, so that a transaction can hash. */
declare module 'node:crypto' {
  export function createHash(algorithm: 'sha256'): {
    update(text: string): { digest(encoding: 'hex'): string }
  }
}
