/** What a client does in the background keeps no process alive, which ends when its own work is done. */

export type Timer = ReturnType<typeof setTimeout>

/** `setTimeout`, but the process does not wait for it. */
export function later(work: () => void, ms: number): Timer {
  const timer = setTimeout(work, ms)
  // In Node and Bun it is an object; in Deno a number; elsewhere there is no process to keep.
  ;(timer as { unref?(): void }).unref?.()
  ;(globalThis as { Deno?: { unrefTimer(timer: Timer): void } }).Deno?.unrefTimer(timer)
  return timer
}
