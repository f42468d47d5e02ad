/** What a store could not do, as a failure of the change that asked for it. Pure. */
import { conflict, type Failed, failed } from '../failure.ts'
import type { StoreError } from '../storage/store.ts'

/** `retryAtMs`: when a change that came at a bad time may be tried again, ms since 1970. */
export function failureOf(error: StoreError, retryAtMs: number): Failed {
  switch (error.reason) {
    case 'unavailable':
    case 'denied':
      return failed({ reason: 'store-unavailable', detail: error.detail })
    case 'invalid':
      return failed({ reason: 'invalid', what: 'document', errors: error.errors })
    case 'changed':
      return conflict('store-changed', `${error.detail}; read it again and repeat the change`)
    case 'busy':
      return conflict('store-busy', error.detail, retryAtMs)
  }
}
