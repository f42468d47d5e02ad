/** An environment with one key of each kind. */
import type { Access } from '../../engine/index.ts'

export const SERVER_KEY = 'server-key-of-the-tests'
export const CLIENT_KEY = 'client-key-of-the-tests'

export async function access(): Promise<Access> {
  const hash = async (key: string) => {
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  }
  return {
    open: false,
    keys: [
      { hash: await hash(SERVER_KEY), kind: 'server' },
      { hash: await hash(CLIENT_KEY), kind: 'client' },
    ],
  }
}
