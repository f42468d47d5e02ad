/** What an environment tells others: its last-known-good copy for cold edges, and its entry in the directory. */
import { encodeLastKnownGood, lastKnownGoodKey } from '../../engine/index.ts'
import { checksOf, type HealthPlan } from '../health/plan.ts'
import type { DirectoryEntry } from '../storage/directory.ts'
import { killListForEdges } from '../storage/kills.ts'
import { readKeys } from '../storage/settings.ts'
import { readLineage, readState } from '../storage/state.ts'
import { describe } from './answers.ts'
import type { Publisher } from './publisher.ts'

/** Writes the copy, or deletes that of a deleted environment. A slow write may land after a newer one: readers compare versions. */
export async function copyLastKnownGood(
  sql: SqlStorage,
  publisher: Publisher,
  namespace: KVNamespace,
): Promise<void> {
  const state = readState(sql)
  if (state === null) {
    const gone = readLineage(sql)
    if (gone === null) return
    const key = lastKnownGoodKey(gone.name)
    // KV deletes what is not there; a folder, which stands in for it off Cloudflare, answers 404.
    if ((await namespace.get(key)) !== null) await namespace.delete(key)
    return
  }
  const { name, epoch, version } = state
  const snapshot = publisher.snapshotText(epoch, version)
  if (snapshot === null) throw new Error(`snapshot ${version} of epoch ${epoch} is missing`)
  const kills = killListForEdges(sql, state)
  const copy = encodeLastKnownGood({ writtenAtMs: Date.now(), kills, snapshot })
  await namespace.put(lastKnownGoodKey(name), copy)
}

/** Says which origins are to be checked: those of the current routes that ask for it, and none of a deleted environment. */
export async function planHealthChecks(
  sql: SqlStorage,
  publisher: Publisher,
  open: (environment: string) => { plan(plan: HealthPlan): Promise<void> },
): Promise<void> {
  const lineage = readLineage(sql)
  if (lineage === null) return
  const { name: environment, epoch, version } = lineage
  const state = readState(sql)
  const checks = state === null ? [] : checksOf(publisher.snapshot(state).routes)
  await open(environment).plan({ environment, epoch, version, checks })
}

/** What of `ProjectObject` is needed here. */
interface Directory {
  record(entry: DirectoryEntry): Promise<void>
  forget(environment: string, epoch: number, version: number): Promise<void>
}

export async function reportToDirectory(sql: SqlStorage, directory: Directory): Promise<void> {
  const state = readState(sql)
  if (state !== null) {
    const keys = readKeys(sql).map(({ hash: _, ...entry }) => entry)
    await directory.record({ ...describe(sql, state), keys })
    return
  }
  const gone = readLineage(sql)
  if (gone !== null) await directory.forget(gone.name, gone.epoch, gone.version)
}
