/** The one function used of the runtime's `node:crypto`: hashing without a promise, so that a transaction can hash. */
declare module 'node:crypto' {
  interface Hash {
    update(data: string | Uint8Array): Hash
    digest(encoding: 'hex'): string
  }
  export function createHash(algorithm: 'sha256'): Hash
}
