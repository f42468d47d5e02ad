/** Flags from a file. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Failure } from '../../failure.ts'
import { readFlags } from './document.ts'
import type { Source } from './source.ts'

export const fileSource =
  (file: string): Source =>
  async ({ cwd }) =>
    readFlags(await bytesOf(resolve(cwd, file), file), file)

async function bytesOf(path: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : message
    throw new Failure(`${file} cannot be read: ${why}`, [], { cause: error })
  }
}
