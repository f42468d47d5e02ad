/** Sends what the isolate has to report. A failure is logged and tried again later; it never disturbs an answer. */
import type { ControlRpc, Known } from '../engine/index.ts'
import { logWarn } from './log.ts'
import type { Reporter } from './metrics.ts'
import { Pseudonyms } from './sample.ts'

/** What sends the batch that is due, if one is. Never throws. */
export function reporting(
  control: Pick<ControlRpc, 'record'>,
  reporter: Reporter,
): (serves: Known) => Promise<void> {
  const pseudonyms = new Pseudonyms()
  return async (serves) => {
    const outgoing = reporter.next(serves, Date.now())
    if (outgoing === null) return
    const { batch, drawn } = outgoing
    try {
      const contexts = await Promise.all(drawn.items.map((one) => pseudonyms.sampled(one)))
      const sample = contexts.length === 0 ? {} : { sample: { of: drawn.of, contexts } }
      const sentAtMs = Date.now()
      const recorded = await control.record({ ...batch, sentAtMs, ...sample })
      const nowMs = Date.now()
      reporter.accepted(outgoing, recorded, nowMs - sentAtMs, nowMs)
    } catch (cause) {
      reporter.failed(outgoing, Date.now())
      logWarn('report-failed', { cause: cause instanceof Error ? cause.message : String(cause) })
    }
  }
}
