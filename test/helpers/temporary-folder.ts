/** A folder for one test, removed when the test has ended. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** For use inside a test. */
export function temporaryFolder(): string {
  const folder = makeTemporaryFolder()
  onTestFinished(() => removeFolder(folder))
  return folder
}

/** For use outside a test: the caller removes it. */
export const makeTemporaryFolder = (): string => realpathSync(mkdtempSync(join(tmpdir(), 'turnout-')))

export const removeFolder = (folder: string): void =>
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
