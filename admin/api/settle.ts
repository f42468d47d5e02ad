/** What an object answered, or the problem that it has instead: the one place where failures become problems. */
import type { Result } from '../../engine/index.ts'
import type { Failure } from '../failure.ts'
import type { Approval } from '../storage/approvals.ts'
import { countOf, Problem, sentence, unknown } from './problem.ts'

/** Thrown where a change waits for others: no failure, but no result either. Answered 202. */
export class ApprovalNeeded extends Error {
  readonly environment: string
  readonly approval: Approval

  constructor(environment: string, approval: Approval) {
    super('approval needed')
    this.environment = environment
    this.approval = approval
  }
}

/** The value of an object's answer, or the problem that says why there is none. `environment` as in the address, if it is about one. */
export function settle<T>(answer: Result<T, Failure>, environment = ''): T {
  if (answer.ok) return answer.value
  throw problemOf(answer.error, environment)
}

function problemOf(failure: Failure, environment: string): Problem {
  switch (failure.reason) {
    case 'environment-unknown':
      return unknown('environment', environment)
    case 'unknown':
      return unknown(failure.what, failure.key, failure.nearest)
    case 'stale':
      return stale(failure)
    case 'exists': {
      const name = `${failure.what} ${JSON.stringify(failure.key)}`
      const tag = `"v${failure.current}"`
      const message = `does not hold: there is ${some(name)}, at ${tag}`
      return new Problem('stale', `There is ${some(name)} already.`, [{ path: 'if-none-match', message }], {
        etag: tag,
      })
    }
    case 'malformed': {
      const { line, column, message } = failure
      const at = `line ${line}, column ${column}`
      return new Problem('malformed', `Line ${line}, column ${column}: ${message}.`, [{ path: at, message }])
    }
    case 'conflict': {
      const { kind, detail, retryAtMs } = failure
      const seconds = retryAtMs === null ? null : Math.max(1, Math.ceil((retryAtMs - Date.now()) / 1000))
      return new Problem(
        kind,
        sentence(detail),
        [],
        seconds === null ? {} : { 'retry-after': String(seconds) },
      )
    }
    case 'stage-order': {
      const whose = failure.errors.length === 1 ? 'The migration' : `${failure.errors.length} migrations`
      const detail = `${whose} may not move so; nothing was changed. An admin may break the glass.`
      return new Problem('stage-order', detail, failure.errors)
    }
    case 'store-unavailable':
      return new Problem('store-unavailable', `${sentence(failure.detail)}. Nothing was changed.`, [], {
        'retry-after': '15',
      })
    case 'unreadable':
      return new Problem(
        'unreadable',
        `${sentence(failure.detail)}. Kills and edges go on; put a whole document in its place, or restore a backup.`,
      )
    case 'refused':
      return new Problem('forbidden', failure.detail)
    case 'approval-needed':
      throw new ApprovalNeeded(environment, failure.approval)
    case 'invalid': {
      const { errors, what } = failure
      return new Problem('invalid', `The ${what} has ${countOf(errors)}; nothing was changed.`, errors)
    }
  }
}

/** With its article: an environment, a flag. */
const some = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`

function stale({ what, key, current }: { what: string; key: string; current: number | null }): Problem {
  const name = `${what} ${JSON.stringify(key)}`
  const errors = (why: string) => [{ path: 'if-match', message: `does not hold: ${why}` }]
  if (current === null) {
    const detail = `There is no ${name}; create it with "If-None-Match: *".`
    return new Problem('stale', detail, errors(`there is no ${name}`))
  }
  const tag = `"v${current}"`
  const detail = `The ${name} is at ${tag} now; read it again and repeat the change.`
  return new Problem('stale', detail, errors(`the ${name} is at ${tag}`), { etag: tag })
}
