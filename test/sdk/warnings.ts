/** What is said on the console in place of being thrown: caught, so that a test can expect it. */
import { afterEach, beforeEach, vi } from 'vitest'

/** Warnings of the test that runs, by their words. Call it once in a file. */
export function caughtWarnings(): unknown[][] {
  const warned: unknown[][] = []
  beforeEach(() => {
    warned.length = 0
    vi.spyOn(console, 'warn').mockImplementation((...words) => {
      warned.push(words)
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })
  return warned
}
