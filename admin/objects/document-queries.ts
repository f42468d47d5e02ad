import {
  type CompileIssue,
  explain,
  isNewer,
  ok,
  type PublishedKind,
  prepare,
  shortened,
} from '../../engine/index.ts'
import type { Promotion } from '../change/change.ts'
import type { EntityKind } from '../document.ts'
import type { Edit } from '../edit.ts'
import { failed } from '../failure.ts'
import { documentText, entityText, type Form } from '../form.ts'
import { type Comparison, compare } from '../governance/comparison.ts'
import type { FlagFilter } from '../governance/flag-filter.ts'
import type { Sampled } from '../governance/impact.ts'
import { parseJson } from '../json.ts'
import { nearest } from '../nearest.ts'
import type { Target } from '../propagation.ts'
import { loadDocument } from '../storage/document.ts'
import { keysOfKind, readEntity, type Stored } from '../storage/entities.ts'
import { readKillVersion } from '../storage/kill-versions.ts'
import { labels, versionOfLabel } from '../storage/labels.ts'
import { readLocations } from '../storage/locations.ts'
import { pageVersions, readVersion } from '../storage/versions.ts'
import { type Answer, summarize, type VersionSummary } from './answers.ts'
import { EnvironmentRoom } from './environment-room.ts'
import { type Listed, listEntities } from './listing.ts'
import { type ImpactPreview, type PromotionPreview, previewImpact, previewPromotion } from './previewing.ts'
import { unknownVersion } from './proposal.ts'

/** Changes named for each version in a list; one version alone names all. */
const LISTED_CHANGES = 20

export abstract class DocumentQueries extends EnvironmentRoom {
  /** Wire form of a snapshot of the last few versions; of the current one in place of an earlier one that is not kept any more. */
  snapshot(epoch: number, version: number): Answer<string> {
    const { publisher, ledger } = this.room
    const now = ledger.live()?.state
    const passed = now !== undefined && isNewer(now.epoch, now.version, epoch, version)
    const text =
      publisher.snapshotText(epoch, version) ??
      (passed ? publisher.snapshotText(now.epoch, now.version) : null)
    const key = `${version} of epoch ${epoch}`
    return text === null ? failed({ reason: 'unknown', what: 'snapshot', key, nearest: null }) : ok(text)
  }

  // Where versions have landed: propagation.ts, over what the MetricsObjects know.

  /** A published version of the snapshot (`null`: the current one) or of the kill list, and every location that ever reported. */
  published(kind: PublishedKind, version: number | null): Answer<{ target: Target; locations: string[] }> {
    return this.room.ledger.ask((state) => {
      const n = version ?? state.version
      const found = kind === 'snapshot' ? readVersion(this.room.sql, n) : readKillVersion(this.room.sql, n)
      if (found === null) return kind === 'snapshot' ? unknownVersion(n) : unknownKillVersion(n)
      const { epoch, createdAtMs: publishedAtMs } = found
      return ok({
        target: { kind, epoch, version: n, publishedAtMs },
        locations: readLocations(this.room.sql),
      })
    })
  }

  /** Every location that ever reported, by name. */
  locations(): Answer<string[]> {
    return this.room.ledger.ask(() => ok(readLocations(this.room.sql)))
  }

  // The document and its versions.

  /** JSON text of the document at a version that is kept, or of the current one (`null`). */
  document(version: number | null, form: Form): Answer<{ version: number; text: string }> {
    return this.room.ledger.ask((state) => {
      if (version !== null && readVersion(this.room.sql, version) === null) return unknownVersion(version)
      const document =
        version === null ? this.room.publisher.document(state) : loadDocument(this.room.sql, version)
      return ok({ version: version ?? state.version, text: documentText(document, form) })
    })
  }

  /** What an edit would do, over contexts of real requests where there are enough. */
  impact(edit: Edit, sample: readonly Sampled[]): Answer<ImpactPreview> {
    return this.room.ledger.ask((state) => previewImpact(this.room, state, edit, sample))
  }

  /** What a promotion would make of the document; nothing is changed. */
  previewPromotion({ text, flags }: Promotion): Answer<PromotionPreview> {
    return this.room.ledger.ask((state) => previewPromotion(this.room, state, JSON.parse(text), flags))
  }

  /** From version `a` to version `b`. */
  diff(a: number, b: number): Answer<Comparison> {
    return this.room.ledger.ask(() => {
      for (const n of [a, b]) if (readVersion(this.room.sql, n) === null) return unknownVersion(n)
      return ok(compare(loadDocument(this.room.sql, a), loadDocument(this.room.sql, b)))
    })
  }

  /** The version that a number or a label means. */
  versionNumber(name: string): Answer<number> {
    return this.room.ledger.ask(() => {
      const n = /^[1-9]\d{0,14}$/.test(name) ? Number(name) : versionOfLabel(this.room.sql, name)
      if (n !== null && readVersion(this.room.sql, n) !== null) return ok(n)
      return failed({
        ...{ reason: 'unknown', what: 'version', key: name },
        nearest: n === null ? nearest(name, labels(this.room.sql)) : null,
      })
    })
  }

  entity(kind: EntityKind, key: string, form: Form): Answer<Stored> {
    return this.room.ledger.ask(() => {
      const stored = readEntity(this.room.sql, kind, key)
      if (stored !== null) return ok({ ...stored, text: entityText(kind, stored.text, form) })
      return failed({
        reason: 'unknown',
        what: kind,
        key,
        nearest: nearest(key, keysOfKind(this.room.sql, kind)),
      })
    })
  }

  /** One page, by key, after the key `after`; with the environment's version. `filter` is for flags. */
  entities(
    kind: EntityKind,
    after: string,
    limit: number,
    form: Form,
    filter: FlagFilter | null,
  ): Answer<{ version: number; items: Listed[] }> {
    return this.room.ledger.ask(({ version }) => {
      const items = listEntities(this.room.sql, kind, after, limit, filter, Date.now())
      const shown = items.map((item) => ({ ...item, text: entityText(kind, item.text, form) }))
      return ok({ version, items: shown })
    })
  }

  /** Versions below `before`, newest first. */
  versions(before: number, limit: number): Answer<VersionSummary[]> {
    return this.room.ledger.ask(() => {
      const versions = pageVersions(this.room.sql, before, limit)
      return ok(versions.map((version) => summarize(this.room.sql, version, LISTED_CHANGES)))
    })
  }

  version(n: number): Answer<VersionSummary> {
    return this.room.ledger.ask(() => {
      const version = readVersion(this.room.sql, n)
      return version ? ok(summarize(this.room.sql, version, Number.MAX_SAFE_INTEGER)) : unknownVersion(n)
    })
  }

  /** Compiles a document without saving it. */
  validate(text: string): Answer<{ errors: readonly CompileIssue[]; warnings: readonly CompileIssue[] }> {
    return this.room.ledger.ask((state) => {
      const value = parseJson(text)
      if (!value.ok) return failed({ reason: 'malformed', ...value.error })
      const { publisher } = this.room
      const checked = publisher.check(state, value.value)
      const errors = checked.ok ? [] : checked.error
      const moves = checked.ok ? publisher.forbiddenMoves(state, value.value) : []
      const warnings = checked.ok ? [...checked.value, ...shortened(moves, moves.length, 'warnings')] : []
      return ok({ errors, warnings })
    })
  }

  /** JSON text of the decision and its steps, as an edge with the current snapshot and kills decides. */
  explain(flag: string, context: Record<string, unknown>): Answer<string> {
    const live = this.room.ledger.live()
    if (live === null) return failed({ reason: 'environment-unknown' })
    const snapshot = this.room.publisher.snapshot(live.state)
    return ok(JSON.stringify(explain(prepare(snapshot, live.kills), flag, context)))
  }

  /** The same of a route's flag, as a request on the route is decided. */
  explainRoute(id: string, context: Record<string, unknown>): Answer<string> {
    const live = this.room.ledger.live()
    if (live === null) return failed({ reason: 'environment-unknown' })
    const snapshot = this.room.publisher.snapshot(live.state)
    const route = snapshot.routes.find((one) => one.id === id)
    if (route === undefined) {
      const ids = snapshot.routes.map((one) => one.id)
      return failed({ reason: 'unknown', what: 'route', key: id, nearest: nearest(id, ids) })
    }
    return ok(JSON.stringify(explain(prepare(snapshot, live.kills), route.flag, context, { route: id })))
  }
}

const unknownKillVersion = (n: number) =>
  failed({ reason: 'unknown', what: 'version of the kill list', key: String(n), nearest: null })
