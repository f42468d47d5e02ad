/** Backups as files: written whole or not at all, for their owner alone, and checked without a control plane. */
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { linesIn, textOf, Unreadable } from '../admin/backup/lines.ts'
import { BackupReader } from '../admin/backup/reader.ts'
import { Failure } from './failure.ts'

/** Hears each line as it is read. */
type Hear = (line: string) => Promise<unknown>

/** Reads a backup to its end, and throws `Failure` with everything that is wrong with it. `name`: of what was read. */
export async function checked(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  hear: Hear = async () => {},
): Promise<BackupReader> {
  const reader = new BackupReader()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    for await (const line of linesIn(textOf(bytes, decoder))) {
      reader.read(line)
      await hear(line)
    }
  } catch (error) {
    if (error instanceof Unreadable) throw new Failure(`${name} is no backup: it ${error.message}`)
    throw error instanceof Failure
      ? error
      : new Failure(`${name} broke off: ${messageOf(error)}`, [], { cause: error })
  }
  const findings = reader.finish()
  if (findings.length > 0)
    throw new Failure(`${name} is no whole backup, and must not be relied on`, findings)
  return reader
}

/** The same, of a file; `name` as it was given. */
export async function checkedFile(path: string, name: string): Promise<BackupReader> {
  await requireFile(path, name)
  return checked(createReadStream(path), name)
}

async function requireFile(path: string, name: string): Promise<void> {
  const found = await stat(path).catch(() => null)
  if (found === null) throw new Failure(`${name} cannot be read: there is no such file`)
  if (!found.isFile()) throw new Failure(`${name} cannot be read: it is no file`)
}

/** Puts a backup under its name only when all of it is there and found whole, on disk, readable by nobody else. */
export async function saved(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  name: string,
): Promise<BackupReader> {
  if ((await stat(path).catch(() => null)) !== null)
    throw cannotBeWritten(name, 'there is such a file already')
  const partial = `${path}.partial`
  let handle: FileHandle | undefined
  try {
    handle = await open(partial, 'w', 0o600)
    const file = handle
    const reader = await checked(bytes, 'the backup', (line) => file.write(`${line}\n`))
    await file.sync()
    await rename(partial, path)
    return reader
  } catch (error) {
    if (handle !== undefined) await rm(partial, { force: true })
    throw error instanceof Failure ? error : cannotBeWritten(name, messageOf(error), error)
  } finally {
    await handle?.close()
  }
}

const cannotBeWritten = (name: string, why: string, cause?: unknown): Failure =>
  new Failure(`${name} cannot be written: ${why}`, [], { cause })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
