/**
 * Restores webhooks as far as a backup has them: without address, signing secret and routing key, and therefore disabled
 * until somebody gives them an address again. Those that are here stay as they are. Inside the caller's transaction.
 */
import { ok } from '../../../engine/index.ts'
import { invalid } from '../../failure.ts'
import { saidLast } from '../../storage/audit.ts'
import { readWebhook, readWebhooks, writeWebhook } from '../../storage/webhooks.ts'
import { MAX_WEBHOOKS } from '../../webhook/definition.ts'
import { mintSigningSecret } from '../../webhook/signature.ts'
import { record } from '../recording.ts'
import type { Restore } from './restorable-object.ts'
import { ALL_HERE, detailsOf, logOf } from './restored.ts'
import { staged } from './stage.ts'

const WHY_DISABLED =
  'restored from a backup, which has no secrets: give it its url again, and rotate its secret'

export const restoreWebhooks: Restore = (sql, source, joined, author, nowMs) => {
  const webhooks: string[] = []
  for (const webhook of staged(sql, 'webhooks', 'webhook')) {
    const isDeleted = saidLast(sql, `webhook:${webhook.id}`) === 'webhook.deleted'
    if (isDeleted || readWebhook(sql, webhook.id) !== null) continue
    const state = {
      failing: false,
      pausedUntilMs: 0,
      previousSecretUntilMs: null,
      disabledReason: WHY_DISABLED,
    }
    const credentials = {
      url: `https://${webhook.host}/`,
      routingKey: null,
      secret: mintSigningSecret(),
      previous: null,
    }
    writeWebhook(sql, { ...webhook, ...state, enabled: false }, credentials)
    webhooks.push(webhook.name)
  }
  if (readWebhooks(sql).length > MAX_WEBHOOKS)
    return invalid(
      'backup',
      '$',
      `would make more than ${MAX_WEBHOOKS} webhooks with those that are here; delete some first`,
    )
  if (joined.imported === 0 && webhooks.length === 0) return ok(ALL_HERE)
  const act = { action: 'webhooks.restored-from-backup', subject: 'webhooks', author } as const
  record(sql, null, act, nowMs, { details: { ...detailsOf(source, joined), webhooks } })
  return ok({ is: 'webhooks', log: logOf(joined), webhooks })
}
