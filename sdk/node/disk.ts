/** Keeps the snapshot in a file, for a start of the process while the edge is away. Node, Deno and Bun. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type SnapshotStorage, storage } from '../storage.ts'

/** The file is replaced as a whole, so that it is the old one or the new one; its folder is made where there is none. */
export function diskStorage(path: string): SnapshotStorage {
  let before: Promise<void> = Promise.resolve()
  return storage({
    async read() {
      try {
        return await readFile(path, 'utf8')
      } catch (cause) {
        if ((cause as { code?: string }).code === 'ENOENT') return null
        throw cause
      }
    },
    write(text) {
      // One after the other: the newer must not be replaced by the older.
      const written = before.then(() => replace(path, text))
      before = written.catch(() => {})
      return written
    },
  })
}

async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  // Several processes may share the file.
  const next = `${path}.${process.pid}`
  try {
    const file = await open(next, 'w', 0o600)
    try {
      await file.writeFile(text)
      // Or a crash of the machine may leave the new name with nothing in it.
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(next, path)
  } catch (cause) {
    await rm(next, { force: true })
    throw cause
  }
}
