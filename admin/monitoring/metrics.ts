/** What the control plane knows, as metrics. Pure. Every name: docs/operations.md, "Metrics". */
import type { Release } from '../env.ts'
import { mirrorMetrics } from './mirrors.ts'
import { type OriginsFound, originMetrics } from './origins.ts'
import { counter, gauge, type Metric, type Sample } from './prometheus.ts'
import { componentsOf, directoryLag, type Heard, type Owed, type Vitals } from './vitals.ts'

export interface Known {
  readonly vitals: Vitals
  readonly origins: readonly OriginsFound[]
  readonly release: Release | null
  readonly requests: readonly Sample[]
  /** When this isolate counted its first request, ms since 1970. */
  readonly startedAtMs: number
  readonly nowMs: number
}

export function metricsOf({ vitals, origins, release, requests, startedAtMs, nowMs }: Known): Metric[] {
  const { project, webhooks, environments } = vitals
  const heard = environments.flatMap(({ listed, heard }) => (heard.ok ? [{ listed, own: heard.value }] : []))
  const each = (value: (entry: (typeof heard)[number]) => number): Sample[] =>
    heard.map((entry) => ({ labels: { environment: entry.listed.name }, value: value(entry) }))
  const owed = (value: (owed: Owed) => number): Sample[] =>
    heard.flatMap(({ listed, own }) =>
      own.owed.map((effect) => ({
        labels: { environment: listed.name, effect: effect.effect },
        value: value(effect),
      })),
    )
  return [
    gauge('turnout_build_info', 'Always 1; the labels name the deployed version.', [
      { labels: { id: release?.id ?? '', tag: release?.tag ?? '' }, value: 1 },
    ]),
    gauge(
      'turnout_component_up',
      '1 if a part of the control plane answers, 0 if not.',
      componentsOf(vitals).map(({ name, status }) => ({
        labels: { component: name },
        value: status === 'unavailable' ? 0 : 1,
      })),
    ),
    gauge(
      'turnout_environments',
      'Environments that the caller may see.',
      only(project, (known) => known.environments.length),
    ),
    gauge(
      'turnout_environment_version',
      'Version that an environment publishes.',
      each(({ own }) => own.version),
    ),
    gauge(
      'turnout_environment_epoch',
      'Epoch of that version.',
      each(({ own }) => own.epoch),
    ),
    gauge(
      'turnout_kills_version',
      'Version of the kill list.',
      each(({ own }) => own.killsVersion),
    ),
    gauge(
      'turnout_kills_active',
      'Kills that hold.',
      each(({ own }) => own.kills),
    ),
    gauge(
      'turnout_store_up',
      '1 if the store in which the document lives is well, 0 if the last good state is served instead.',
      heard.map(({ listed, own }) => ({
        labels: { environment: listed.name, store: own.store.kind },
        value: own.store.problem === null ? 1 : 0,
      })),
    ),
    gauge(
      'turnout_store_last_ok_timestamp_seconds',
      'When a store in AWS was last found well, in seconds since 1970.',
      heard.flatMap(({ listed, own }) =>
        own.store.okAtMs === null
          ? []
          : [{ labels: { environment: listed.name }, value: own.store.okAtMs / 1_000 }],
      ),
    ),
    gauge(
      'turnout_outbox_owed',
      'Copies elsewhere that are not up to date yet.',
      each(({ own }) => own.owed.length),
    ),
    gauge(
      'turnout_outbox_failed_attempts',
      'Failed attempts of a copy that is owed.',
      owed(({ attempts }) => attempts),
    ),
    gauge(
      'turnout_outbox_due_in_seconds',
      'Time to the next attempt of a copy that is owed; negative: it is overdue.',
      owed(({ dueAtMs }) => (dueAtMs - nowMs) / 1_000),
    ),
    gauge(
      'turnout_directory_lag_versions',
      'Versions that the directory is behind an environment.',
      each(({ listed, own }) => directoryLag(listed, own)),
    ),
    gauge(
      'turnout_webhooks',
      'Webhooks that exist.',
      only(webhooks, (known) => known.webhooks),
    ),
    gauge(
      'turnout_webhooks_failing',
      'Webhooks whose last attempt failed.',
      only(webhooks, (known) => known.failing),
    ),
    gauge(
      'turnout_webhook_deliveries_pending',
      'Deliveries that wait for their attempt.',
      only(webhooks, (known) => known.pending),
    ),
    gauge(
      'turnout_webhook_deliveries_dead',
      'Deliveries that were given up and can be replayed.',
      only(webhooks, (known) => known.dead),
    ),
    ...originMetrics(origins),
    ...mirrorMetrics(origins),
    counter(
      'turnout_isolate_api_requests_total',
      'Requests that the isolate which answers this has answered since it started.',
      requests,
    ),
    gauge(
      'turnout_isolate_start_time_seconds',
      'When that isolate started to count, in seconds since 1970.',
      [{ labels: {}, value: startedAtMs / 1_000 }],
    ),
  ]
}

/** One sample without labels, if the part that knows it was heard. */
const only = <T>(heard: Heard<T>, value: (known: T) => number): Sample[] =>
  heard.ok ? [{ labels: {}, value: value(heard.value) }] : []
