/** Names a text by its content. Synchronous, unlike Web Crypto, because a transaction must not wait. Pure. */
import { createHash } from 'node:crypto'

/** SHA-256 of the UTF-8 text, lower-case hex. */
export const contentHash = (text: string): string => createHash('sha256').update(text).digest('hex')
