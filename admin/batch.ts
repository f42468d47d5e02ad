/**
 * What an edge may report. A batch comes from a Worker of ours, perhaps of another version, so fields that are not known are
 * left out, and everything that is kept has bounds. Pure.
 */
import { z } from 'zod'
import {
  BREAKER_PHASES,
  COUNTED,
  type Counted,
  err,
  isLocation,
  MAX_ARRIVALS,
  MAX_DIFFERENCE_TEXT,
  MAX_DIFFERENCES,
  MAX_FLAG_COUNTS,
  MAX_MIRRORS,
  MAX_SAMPLED_TEXT,
  MAX_SAMPLES,
  MAX_UPSTREAM_NAME,
  MAX_UPSTREAMS,
  type MetricBatch,
  MIRRORED,
  type Mirrored,
  ok,
  PARTS,
  PUBLISHED_KINDS,
  type Result,
  SAMPLED_ATTRIBUTES,
} from '../engine/index.ts'

/** Above anything that a counter, a version or a clock can say. */
const count = z
  .int()
  .min(0)
  .max(2 ** 48)
const attribute = z.union([z.string().max(MAX_SAMPLED_TEXT), z.number(), z.boolean()]).optional()
const context = z.object(Object.fromEntries(SAMPLED_ATTRIBUTES.map((name) => [name, attribute])))

const arrival = z.object({
  kind: z.enum(PUBLISHED_KINDS),
  epoch: count,
  version: count,
  atMs: count,
  previousMs: count.nullable(),
})

const upstream = z.object({
  name: z.string().min(1).max(MAX_UPSTREAM_NAME),
  breaker: z.enum(BREAKER_PHASES),
  openForMs: count.nullable(),
  ok: count,
  failed: count,
  unreached: count,
  aborted: count.optional(),
  p95Ms: count.nullable(),
  alert: z.boolean(),
})

const name = z.string().min(1).max(128)
/** Beyond what can be added without losing anything that matters. */
const amount = z
  .number()
  .min(-(2 ** 80))
  .max(2 ** 80)
const flagCount = z.object({
  flag: name,
  variant: name,
  part: z.enum(PARTS).optional(),
  ...(Object.fromEntries(
    COUNTED.map((of) => [of, of === 'sum' || of === 'squares' ? amount : count]),
  ) as Record<Counted, typeof amount>),
})

const text = z.string().max(MAX_DIFFERENCE_TEXT)
const pair = <T extends z.ZodType>(of: T) => z.tuple([of, of])
const difference = z.object({
  atMs: count,
  method: text,
  path: text,
  served: name,
  status: pair(count),
  latencyMs: pair(count),
  hashes: pair(z.string().regex(/^[0-9a-f]{1,64}$/)).nullable(),
  pointer: text.nullable(),
})
const mirror = z.object({
  route: name,
  variant: name,
  counts: z.object(Object.fromEntries(MIRRORED.map((of) => [of, count])) as Record<Mirrored, typeof count>),
  differences: z.array(difference).max(MAX_DIFFERENCES),
})

const schema = z.object({
  isolate: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be an id of at most 64 letters, digits and hyphens'),
  sequence: count.min(1),
  location: z.custom<string>(isLocation, 'must be a name of at most 32 letters, digits, "_" and "-"'),
  sentAtMs: count,
  roundTripMs: count.optional(),
  requests: count,
  serves: z.object({ epoch: count, snapshot: count, kills: count }),
  arrivals: z.array(arrival).max(PUBLISHED_KINDS.length * MAX_ARRIVALS),
  flags: z.array(flagCount).max(MAX_FLAG_COUNTS).optional(),
  sample: z.object({ of: count, contexts: z.array(context).max(MAX_SAMPLES) }).optional(),
  upstreams: z.array(upstream).max(MAX_UPSTREAMS).optional(),
  mirrors: z.array(mirror).max(MAX_MIRRORS).optional(),
})

/** The batch, or a sentence that names what is wrong with it. */
export function checkBatch(value: unknown): Result<MetricBatch, string> {
  const checked = schema.safeParse(value)
  if (checked.success) return ok(checked.data as MetricBatch)
  const [issue] = checked.error.issues
  return err(`${['batch', ...issue!.path].join('.')}: ${issue!.message}`)
}
