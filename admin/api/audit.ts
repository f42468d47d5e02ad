/** The audit log: each environment has a chain of its own, and so has the control plane itself. */
import { z } from '@hono/zod-openapi'
import { shownEntry } from '../audit/entry.ts'
import { type AuditFilter, MAX_PAGE_LENGTH, type StoredEntry, type Verification } from '../storage/audit.ts'
import { type Chain, chainsOf, pageOfChain, verifyChain } from './audit-chains.ts'
import { type Api, type ApiContext, json, jsonText } from './context.ts'
import { EXAMPLES } from './examples.ts'
import { mergeNewest } from './merged-page.ts'
import { encodeCursor, PageQuery, positionIn } from './paging.ts'
import { answers, operation } from './routes.ts'
import { futureTime, listOf } from './schemas.ts'
import { AuditEntrySchema, VerificationSchema } from './schemas-audit.ts'
import { begun, NDJSON, streamOf } from './stream.ts'

const tags = ['Audit']

const ChainQuery = z.strictObject({
  environment: z.string().optional().openapi({
    description: 'Name of an environment, or `@control-plane` for what belongs to none. Default: everything.',
    example: 'dev',
  }),
})

const FilterQuery = ChainQuery.extend({
  action: z
    .string()
    .optional()
    .openapi({ description: 'An action, or the start of several before `*`', example: 'kill.*' }),
  subject: z.string().optional().openapi({
    description:
      'What was changed. What has an id such as `dev:3` stands as `schedule:3` in the log of `dev`; so do approvals, windows and freezes.',
    example: 'flag:new-feature',
  }),
  actor: z.string().optional().openapi({ description: 'Who did it', example: 'token:ci' }),
  from: futureTime.optional().openapi({ description: 'No earlier than' }),
  to: futureTime.optional().openapi({ description: 'Earlier than' }),
})

const list = operation('viewer', {
  method: 'get',
  path: '/audit',
  tags,
  operationId: 'listAudit',
  summary: 'What happened, newest first',
  request: { query: FilterQuery.extend(PageQuery.shape) },
  responses: answers(
    { status: 200, description: 'A page of entries', schema: listOf(AuditEntrySchema, EXAMPLES.auditEntry) },
    ['not-found', 'invalid'],
  ),
})

const exported = operation('viewer', {
  method: 'get',
  path: '/audit/export',
  tags,
  operationId: 'exportAudit',
  summary: 'The log as NDJSON, chain after chain, oldest entries first',
  request: { query: FilterQuery },
  responses: answers(
    {
      status: 200,
      description: 'One entry a line',
      schema: AuditEntrySchema,
      mediaType: NDJSON,
    },
    ['not-found', 'invalid'],
  ),
})

const verify = operation('viewer', {
  method: 'get',
  path: '/audit/verify',
  tags,
  operationId: 'verifyAudit',
  summary: 'Compute every hash anew: whether the log is whole',
  request: { query: ChainQuery },
  responses: answers({ status: 200, description: 'What was found', schema: VerificationSchema }, [
    'not-found',
  ]),
})

export function audit(api: Api): void {
  api.openapi(list, async (c) => {
    const { limit, cursor, environment, ...query } = c.req.valid('query')
    const chains = await chainsOf(c, environment)
    const before = positionIn(cursor, z.record(z.string(), z.int()), {})
    const page = await newestOf(c, chains, filterOf(query), before, limit)
    const nextCursor = page.next === null ? 'null' : JSON.stringify(encodeCursor(page.next))
    return jsonText(c, `{"items":[${page.items.map(shownEntry).join(',')}],"nextCursor":${nextCursor}}`)
  })

  api.openapi(exported, async (c) => {
    const { environment, ...query } = c.req.valid('query')
    const lines = await begun(linesOf(c, await chainsOf(c, environment), filterOf(query)))
    c.header('content-type', NDJSON)
    c.header('content-disposition', 'attachment; filename="turnout-audit.ndjson"')
    return c.body(streamOf(lines))
  })

  api.openapi(verify, async (c) => {
    const chains = await chainsOf(c, c.req.valid('query').environment)
    const found: (Verification & { environment: Chain })[] = []
    for (const chain of chains) found.push({ environment: chain, ...(await verifyChain(c, chain)) })
    const valid = found.every((one) => one.valid)
    const entries = found.reduce((sum, one) => sum + one.entries, 0)
    return json(c, { valid, entries, chains: found })
  })
}

const filterOf = ({
  from,
  to,
  ...filter
}: Omit<z.infer<typeof FilterQuery>, 'environment'>): AuditFilter => ({
  ...filter,
  ...(from === undefined ? {} : { fromMs: Date.parse(from) }),
  ...(to === undefined ? {} : { toMs: Date.parse(to) }),
})

/** Where to go on in each chain: below that entry. */
type Positions = Record<string, number>

const nameOf = (chain: Chain): string => chain ?? '@'

/** One page over several chains, by time. */
async function newestOf(
  c: ApiContext,
  chains: readonly Chain[],
  filter: AuditFilter,
  before: Positions,
  limit: number,
): Promise<{ items: StoredEntry[]; next: Positions | null }> {
  const lists: { chain: Chain; entry: StoredEntry }[][] = []
  /** The last entries of pages that were cut short: what comes next in their chains is not known. */
  const cuts = new Set<StoredEntry>()
  for (const chain of chains) {
    const from = before[nameOf(chain)] ?? Number.MAX_SAFE_INTEGER
    const entries = await pageOfChain(c, chain, filter, from, limit + 1)
    if (entries.length <= limit && isFull(entries)) cuts.add(entries.at(-1)!)
    lists.push(entries.map((entry) => ({ chain, entry })))
  }
  const found = mergeNewest(lists, ({ entry }) => entry.atMs)
  const cut = found.findIndex(({ entry }) => cuts.has(entry))
  const page = found.slice(0, cut < 0 ? limit : Math.min(limit, cut + 1))
  if (page.length === found.length && cut < 0) return { items: page.map(({ entry }) => entry), next: null }
  const next: Positions = { ...before }
  for (const { chain, entry } of page)
    next[nameOf(chain)] = Math.min(next[nameOf(chain)] ?? entry.seq, entry.seq)
  return { items: page.map(({ entry }) => entry), next }
}

const isFull = (page: readonly StoredEntry[]): boolean =>
  page.reduce((length, { text }) => length + text.length, 0) >= MAX_PAGE_LENGTH

const EXPORT_PAGE = 200

/** Lines of the export, page by page as they are wanted. */
async function* linesOf(
  c: ApiContext,
  chains: readonly Chain[],
  filter: AuditFilter,
): AsyncGenerator<string> {
  for (const chain of chains) {
    let after = 0
    for (;;) {
      const page = await pageOfChain(c, chain, filter, { after }, EXPORT_PAGE)
      for (const entry of page) yield `${shownEntry(entry)}\n`
      const last = page.at(-1)
      if (last === undefined) break
      after = last.seq
    }
  }
}
