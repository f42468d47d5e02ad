/**
 * How long tests wait for what comes in its own time: as long as their own limits allow, so it only ends what never comes. vitest
 * has a setting for `expect.poll` and none for `vi.waitFor` and `vi.waitUntil`, which give up after a second.
 */
import { vi } from 'vitest'

/** As `expect.poll.timeout` in vitest.config.ts. */
const PATIENCE_MS = 60_000

const { waitFor, waitUntil } = vi

const patient = <T extends object>(options: number | T | undefined) =>
  typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options }

vi.waitFor = (check, options) => waitFor(check, patient(options))
vi.waitUntil = (check, options) => waitUntil(check, patient(options))
