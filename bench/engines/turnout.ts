/** Turnout's engine, as a consumer would ship it: one minified ES module, and a compiled snapshot in its wire form. */
import { readFileSync } from 'node:fs'
import type * as Bundled from '../../engine/index.ts'
import type { Engine } from './engine.ts'

/** Paths of the bundled engine and of the snapshot. */
export async function load(
  bundleFile: string,
  snapshotFile: string,
): Promise<Engine<Bundled.EvaluationContext>> {
  const { decodeSnapshot, evaluate, NO_KILLS, prepare } = (await import(bundleFile)) as typeof Bundled
  const decoded = decodeSnapshot(readFileSync(snapshotFile, 'utf8'))
  if (!decoded.ok) throw new Error(decoded.error.message)
  const prepared = prepare(decoded.value, NO_KILLS)
  return {
    context: ({ id, ...attributes }) => ({ targetingKey: id, ...attributes }),
    boolean: (key, context) => evaluate(prepared, key, context).value === true,
    text: (key, context) => evaluate(prepared, key, context).value as string,
  }
}
