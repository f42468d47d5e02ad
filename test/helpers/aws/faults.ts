/** What goes wrong on demand. Without faults nothing does. */
import type { Fault } from './operations.ts'
import { AwsError } from './wire.ts'

interface Pending {
  readonly fault: Fault
  passed: number
  failed: number
}

export class Faults {
  #pending: Pending[] = []

  add(fault: Fault): void {
    this.#pending.push({ fault, passed: 0, failed: 0 })
  }

  heal(): void {
    this.#pending = []
  }

  /** The fault that this call meets; each call is counted once. */
  next(action: string): Fault['does'] | null {
    const pending = this.#pending.find(
      ({ fault, failed }) => covers(fault.action, action) && failed < (fault.times ?? Infinity),
    )
    if (pending === undefined) return null
    if (pending.passed < (pending.fault.after ?? 0)) {
      pending.passed += 1
      return null
    }
    pending.failed += 1
    return pending.fault.does
  }
}

const covers = (pattern: string, action: string): boolean =>
  pattern === '*' || pattern === action || (pattern.endsWith(':*') && action.startsWith(pattern.slice(0, -1)))

/** A refusal of a fault as the service words it: AppConfig says 429 where SSM says 400. */
export function refusalOf(
  does: { type: string; message?: string; status?: number },
  service: string,
): AwsError {
  const throttled = does.type === 'ThrottlingException'
  const status = does.status ?? (throttled && service !== 'ssm' ? 429 : 400)
  return new AwsError(does.type, does.message ?? does.type, status)
}
