/**
 * What an object's storage says of itself, kept in memory: settings, calendar, the end of the audit log and the like are asked
 * for with every change, and change seldom. An object is the only writer of its storage, so memory is right as long as whoever
 * writes says so, in the same place, and a transaction that failed is forgotten.
 */

const memories = new WeakMap<SqlStorage, Map<string, unknown>>()

/** What `read` answered the last time, or answers now. Callers share it, and never change it. */
export function recall<T>(sql: SqlStorage, what: string, read: () => T): T {
  const memory = memoryOf(sql)
  if (!memory.has(what)) memory.set(what, read())
  return memory.get(what) as T
}

/** It has just been written: this is what it says now. */
export function remember(sql: SqlStorage, what: string, value: unknown): void {
  memoryOf(sql).set(what, value)
}

/** It has just been written: whoever needs it reads it again. */
export function drop(sql: SqlStorage, what: string): void {
  memories.get(sql)?.delete(what)
}

/** All of it. */
export function forget(sql: SqlStorage): void {
  memories.delete(sql)
}

/** One transaction. If it fails, nothing that it wrote is remembered. */
export function transact<T>(storage: DurableObjectStorage, work: () => T): T {
  try {
    return storage.transactionSync(work)
  } catch (thrown) {
    forget(storage.sql)
    throw thrown
  }
}

function memoryOf(sql: SqlStorage): Map<string, unknown> {
  let memory = memories.get(sql)
  if (memory === undefined) {
    memory = new Map()
    memories.set(sql, memory)
  }
  return memory
}
