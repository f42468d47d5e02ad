/** Flags from a file. */
import { bytesOf } from '../../files.ts'
import { readFlags } from './document.ts'
import type { Source } from './source.ts'

export const fileSource =
  (file: string): Source =>
  async ({ cwd }) =>
    readFlags(await bytesOf(file, cwd), file)
