/** Keeps the snapshot in a file, for a start of the process while the edge is away. Node, Deno and Bun. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type SnapshotStorage, storage } from '../storage.ts'

/** The file is replaced as a whole, so that it is the old one or the new one; its folder is made where there is none. */
export function diskStorage(path: string): SnapshotStorage {
  let writes = 0
  return storage({
    async read() {
      try {
        return await readFile(path, 'utf8')
      } catch (cause) {
        if ((cause as { code?: string }).code === 'ENOENT') return null
        throw cause
      }
    },
    async write(text) {
      await mkdir(dirname(path), { recursive: true })
      writes += 1
      const other = `${path}.${process.pid}.${writes}`
      try {
        const file = await open(other, 'w', 0o600)
        try {
          await file.writeFile(text)
          // Or a crash of the machine may leave the new name with nothing in it.
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(other, path)
      } catch (cause) {
        await rm(other, { force: true })
        throw cause
      }
    },
  })
}
