/**
 * From what people write to what machines read: checks a document completely and packs it into a snapshot. Data to data,
 * never code generation. Pure. Never throws; an invalid document gives every error at once.
 */
import { readDocument } from './canonical.ts'
import { Check, child, isObject, type Path, show } from './check.ts'
import { checkFlag } from './check-flag.ts'
import { checkBonds } from './check-migration.ts'
import { checkNames, type Variants } from './check-names.ts'
import { checkRoutes } from './check-route.ts'
import { checkCondition, segmentsOf } from './condition.ts'
import {
  type CanonicalFlag,
  type Key,
  NO_OVERLAY,
  type Overlay,
  type Route,
  type Segment,
} from './document.ts'
import type { CompileIssue } from './issues.ts'
import { jsonBytes } from './json-bytes.ts'
import { packFlag, packSegment } from './pack.ts'
import { chainSentence, checkChains } from './references.ts'
import { err, ok, type Result } from './result.ts'
import { type Access, type PackedSegment, SNAPSHOT_FORMAT, type Snapshot } from './snapshot.ts'

const MAX_FLAGS = 10_000
/** Of the document as JSON in UTF-8, in bytes. */
export const MAX_DOCUMENT_BYTES = 10 * 1024 * 1024

export interface CompileOptions {
  environment: string
  epoch: number
  version: number
  /** The last version that took traffic back; 0 or absent: none did. */
  cacheEpoch?: number
  /** Weights of running rollouts. Default: none runs. */
  overlay?: Overlay
  /** Who may evaluate. Default: nobody without a key, no keys. */
  access?: Access
  /** Local runs only: origins on loopback and private addresses. */
  allowPrivateOrigins?: boolean
  /** Host names of the environment's own edge, refused as origins. */
  edgeHosts?: readonly string[]
}

export interface Compiled {
  snapshot: Snapshot
  /** What is valid but surely not meant, e.g. a rule that can never match. */
  warnings: readonly CompileIssue[]
  /** Of the document as JSON in UTF-8. */
  bytes: number
}

/** Checks and packs a document (`FlagDocument`, or a bare map of flags); `unknown` because people and other systems write it. */
export function compile(
  document: unknown,
  options: CompileOptions,
): Result<Compiled, readonly CompileIssue[]> {
  const check = new Check()
  if (!check.object(null, document)) return err(check.errors)
  const read = readDocument(document)
  check.fields(null, read, { flags: () => {}, segments: () => {}, routes: () => {} })
  const bytes = jsonBytes(read)
  if (bytes === null)
    return err([{ path: '$', message: 'document must be JSON: it cannot be written as such' }])
  if (bytes > MAX_DOCUMENT_BYTES)
    return err([
      {
        path: '$',
        message: `a document is at most ${MAX_DOCUMENT_BYTES} bytes of JSON, got ${bytes}`,
      },
    ])

  const segments = checkSegments(check, read.segments)
  const flags = checkFlags(check, read.flags, new Set(Object.keys(segments)))
  const variants: Variants = new Map(
    [...flags].map(([key, flag]) => [key, flag && new Set(Object.keys(flag.variants))]),
  )
  checkReferences(check, flags, variants)
  const { allowPrivateOrigins = false, edgeHosts = [], overlay = NO_OVERLAY } = options
  if (read.routes !== undefined)
    checkRoutes(check, child(null, 'routes'), read.routes, variants, { allowPrivateOrigins, edgeHosts })
  checkOverlay(check, overlay, flags)
  if (check.errorCount > 0) return err(check.errors)

  const { environment, epoch, version, cacheEpoch = 0, access = { open: false, keys: [] } } = options
  const snapshot: Snapshot = {
    format: SNAPSHOT_FORMAT,
    environment,
    epoch,
    version,
    ...(cacheEpoch > 0 && { cacheEpoch }),
    access,
    routes: (read.routes ?? []) as readonly Route[],
    segments,
    flags: packFlags(flags as Map<Key, CanonicalFlag>, overlay),
  }
  return ok({ snapshot, warnings: check.warnings, bytes })
}

function packFlags(flags: ReadonlyMap<Key, CanonicalFlag>, overlay: Overlay): Map<Key, string> {
  const byFlag = new Map<Key, Overlay['rollouts']>()
  for (const [id, rollout] of Object.entries(overlay.rollouts))
    byFlag.set(rollout.flag, { ...byFlag.get(rollout.flag), [id]: rollout })
  // In the order of the keys: the same document gives the same snapshot, however its flags happen to stand.
  const sorted = [...flags].sort(([one], [other]) => (one < other ? -1 : 1))
  return new Map(
    sorted.map(([key, flag]) => [key, JSON.stringify(packFlag(key, flag, byFlag.get(key) ?? {}))]),
  )
}

function checkSegments(check: Check, value: unknown): Record<Key, PackedSegment> {
  const packed: Record<Key, PackedSegment> = {}
  const path = child(null, 'segments')
  if (value === undefined || !check.object(path, value)) return packed
  const names = new Set(Object.keys(value))
  const list = (at: Path, members: unknown): void => check.strings(at, members)
  for (const [key, segment] of Object.entries(value)) {
    const at = child(path, key)
    if (!check.key(at, key)) continue
    const before = check.errorCount
    const when = (inner: Path, condition: unknown): void => checkCondition(check, inner, condition, names)
    check.fields(at, segment, {
      description: (inner, text) => check.string(inner, text),
      include: list,
      exclude: list,
      when,
    })
    packed[key] = check.errorCount === before ? packSegment(segment as Segment) : {}
  }
  const referencesOf = (key: string): string[] => {
    const segment = Object.hasOwn(value, key) ? value[key] : undefined
    return isObject(segment) ? segmentsOf(segment.when) : []
  }
  checkChains(names, referencesOf, (key, problem) => {
    check.error(child(child(path, key), 'when'), chainSentence(problem, 'segment'))
  })
  return packed
}

/** Canonical form of every flag, `null` where it is invalid. */
function checkFlags(
  check: Check,
  value: unknown,
  segments: ReadonlySet<string>,
): Map<Key, CanonicalFlag | null> {
  const flags = new Map<Key, CanonicalFlag | null>()
  const path = child(null, 'flags')
  if (value === undefined || !check.object(path, value)) return flags
  const entries = Object.entries(value)
  if (entries.length > MAX_FLAGS) {
    check.error(path, `a document has at most ${MAX_FLAGS} flags, got ${entries.length}`)
    return flags
  }
  for (const [key, flag] of entries) {
    const at = child(path, key)
    flags.set(key, check.key(at, key) ? checkFlag(check, at, flag, segments) : null)
  }
  return flags
}

/** What flags say of each other. */
function checkReferences(
  check: Check,
  flags: ReadonlyMap<Key, CanonicalFlag | null>,
  variants: Variants,
): void {
  const path = child(null, 'flags')
  for (const [key, flag] of flags)
    if (flag) {
      checkPrerequisites(check, child(child(path, key), 'prerequisites'), flag, variants)
      checkBonds(check, child(path, key), flag, variants)
    }
  const referencesOf = (key: string): string[] =>
    flags.get(key)?.prerequisites?.map((prerequisite) => prerequisite.flag) ?? []
  checkChains(flags.keys(), referencesOf, (key, problem) => {
    check.error(child(child(path, key), 'prerequisites'), chainSentence(problem, 'prerequisite'))
  })
}

function checkPrerequisites(check: Check, path: Path, flag: CanonicalFlag, known: Variants): void {
  for (const [at, { flag: key, variants }] of (flag.prerequisites ?? []).entries()) {
    const where = child(path, at)
    if (!known.has(key)) check.error(child(where, 'flag'), `unknown flag ${show(key)}`)
    else checkNames(check, child(where, 'variants'), variants, key, known)
  }
}

/** A rollout whose flag changed under it: the document must keep the flag and the variant while it runs. */
function checkOverlay(check: Check, overlay: Overlay, flags: ReadonlyMap<Key, CanonicalFlag | null>): void {
  for (const [id, { flag: key, variant, weight }] of Object.entries(overlay.rollouts)) {
    if (!(weight >= 0 && weight <= 100))
      check.error(child(null, 'flags'), `rollout ${show(id)} has weight ${weight}, which is not 0…100`)
    const flag = flags.get(key)
    if (flag === undefined)
      check.error(
        child(null, 'flags'),
        `rollout ${show(id)} runs on flag ${show(key)}, which must not be removed meanwhile`,
      )
    else if (flag && !Object.hasOwn(flag.variants, variant)) {
      check.error(
        child(child(null, 'flags'), key),
        `rollout ${show(id)} serves variant ${show(variant)}, which must not be removed meanwhile`,
      )
    }
  }
}
