/**
 * `turnout import`: reads flags from where a company keeps them, checks what would come of it with the engine, says what
 * would change, and changes it in one version. Nothing is written unless everything is right.
 */
import type { FlagDocument } from '../../engine/index.ts'
import { ApiFailure } from '../api-failure.ts'
import { type AdminApi, answerOf, bodyOf, headerOf } from '../client.ts'
import { Failure, type Finding, showFinding } from '../failure.ts'
import { MAX_REASON } from '../options.ts'
import type { Commands } from '../run.ts'
import { openEnvironment } from '../session.ts'
import type { World } from '../world.ts'
import { flatten } from './flatten.ts'
import { addOptions, type Given, sourceOf } from './options.ts'
import { type Plan, planImport } from './plan.ts'
import { planJson, planLines } from './show-plan.ts'
import type { Entry, Source } from './sources/source.ts'

export const importCommands: Commands = (program, act) => {
  addOptions(program.command('import'))
    .summary('bring flags from SSM, AppConfig or a file into an environment')
    .description(
      'Brings flags into an environment, all or none, as one version. Flags that the source does not have stay.',
    )
    .action(act(importFlags))
}

/** What `--json` prints. */
interface Outcome extends ReturnType<typeof planJson> {
  readonly environment: string
  /** Where the flags came from. */
  readonly source: string
  readonly notes: readonly string[]
  readonly dryRun: boolean
  /** The version that holds the flags; `null`: nothing was written. */
  readonly version: number | null
}

async function importFlags(world: World, given: Given): Promise<Outcome> {
  const { output } = world
  const { dryRun = false } = given
  const open = sourceOf(given)
  const { api, environment, path } = openEnvironment(world)
  const { origin, flags, findings, notes } = await readSource(open, world)
  output.line(`${environment} ← ${origin}: ${flags.size} ${flags.size === 1 ? 'flag' : 'flags'}`)
  for (const note of notes) output.note(`note: ${note}`)
  const reason = given.reason ?? `import from ${origin}`.slice(0, MAX_REASON)

  const attempt = async (mayRetry: boolean): Promise<Outcome> => {
    const { document, etag } = await documentOf(api, path)
    const plan = agreed(planImport(environment, document, flags), findings, origin)
    for (const line of planLines(plan, environment)) output.line(line)
    for (const warning of plan.warnings) output.note(`warning: ${showFinding(warning)}`)
    const outcome = { environment, source: origin, notes, dryRun, version: null, ...planJson(plan) }
    if (dryRun || Object.keys(plan.patch).length === 0) {
      output.line(dryRun ? 'Dry run: nothing was changed.' : 'Nothing to change.')
      return outcome
    }
    try {
      const { version } = await bodyOf(
        api.PATCH('/api/v1/environments/{env}/flags', {
          params: { path, query: { reason }, header: { 'if-match': etag } },
          headers: { 'content-type': 'application/merge-patch+json' },
          body: plan.patch,
        }),
      )
      output.line(`Done: ${environment} is at version ${version}.`)
      return { ...outcome, version }
    } catch (error) {
      if (!mayRetry || !(error instanceof ApiFailure) || error.status !== 412) throw error
      output.note(`note: ${environment} was changed meanwhile; planning again`)
      return attempt(false)
    }
  }
  return attempt(true)
}

/** The document, and its ETag for `If-Match`. */
async function documentOf(
  api: AdminApi,
  path: { readonly env: string },
): Promise<{ document: FlagDocument; etag: string }> {
  const held = await answerOf(api.GET('/api/v1/environments/{env}/document', { params: { path } }))
  return { document: held.value as FlagDocument, etag: headerOf(held, 'etag') }
}

interface Read {
  readonly origin: string
  readonly flags: ReadonlyMap<string, Entry>
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
}

async function readSource(open: () => Promise<Source>, world: World): Promise<Read> {
  const source = await open()
  const { origin, entries, findings, notes } = await source(world)
  if (entries.length + findings.length === 0) throw new Failure(`${origin}: there are no flags`)
  const flattened = flatten(entries)
  return { origin, flags: flattened.flags, findings: [...findings, ...flattened.findings], notes }
}

/** The plan, if nothing at all is wrong; else everything that is. */
function agreed(planned: ReturnType<typeof planImport>, findings: readonly Finding[], origin: string): Plan {
  if (planned.ok && findings.length === 0) return planned.value
  const all = [...findings, ...(planned.ok ? [] : planned.error)]
  const count = all.length === 1 ? 'one error' : `${all.length} errors`
  throw new Failure(`${origin}: ${count}, so nothing was changed`, all)
}
