/** Files that a command names; `-` is standard input. Throws `Failure`. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Failure } from './failure.ts'
import { parseJson } from './json.ts'
import type { World } from './world.ts'

export async function readJson(file: string, world: Pick<World, 'cwd' | 'terminal'>): Promise<unknown> {
  const text = file === '-' ? await world.terminal.read() : (await bytesOf(file, world.cwd)).toString('utf8')
  const value = parseJson(text.replace(/^\uFEFF/, ''))
  if (!value.ok) throw new Failure(`${file === '-' ? 'standard input' : file} ${value.error}`)
  return value.value
}

export async function bytesOf(file: string, cwd: string): Promise<Buffer> {
  try {
    return await readFile(resolve(cwd, file))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : message
    throw new Failure(`${file} cannot be read: ${why}`, [], { cause: error })
  }
}
