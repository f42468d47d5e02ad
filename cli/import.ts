/**
 * `turnout import`: reads flags from where a company keeps them, checks what would come of it with the engine, says what
 * would change, and changes it in one version. Nothing is written unless everything is right.
 */
import { AdminClient, ApiFailure } from './client.ts'
import type { Command, World } from './command.ts'
import { adminToken } from './connection.ts'
import { Failure, type Finding, showFinding } from './failure.ts'
import { flatten } from './flatten.ts'
import { type ImportOptions, MAX_REASON, parseImport, USAGE } from './import-options.ts'
import { type Plan, planImport } from './plan.ts'
import { planJson, planLines } from './show-plan.ts'
import type { Entry } from './sources/source.ts'

export const importCommand: Command = {
  usage: USAGE,
  prepare(args, env) {
    const options = parseImport(args, env)
    return { json: options.json, run: (world) => run(options, world) }
  },
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

async function run(options: ImportOptions, world: World): Promise<Outcome> {
  const { environment, dryRun, url } = options
  const { output } = world
  // Known to the output before anything can be printed.
  output.hide(options.token)
  const token = adminToken(options.token, url, world.env, world.root)
  output.hide(token)
  const client = new AdminClient({ url, token })

  const { origin, flags, findings, notes } = await readSource(options, world)
  output.line(`${environment} ← ${origin}: ${flags.size} ${flags.size === 1 ? 'flag' : 'flags'}`)
  for (const note of notes) output.note(`note: ${note}`)
  const reason = options.reason ?? `import from ${origin}`.slice(0, MAX_REASON)

  const attempt = async (mayRetry: boolean): Promise<Outcome> => {
    const { document, etag } = await client.document(environment)
    const plan = agreed(planImport(environment, document, flags), findings, origin)
    for (const line of planLines(plan, environment)) output.line(line)
    for (const warning of plan.warnings) output.note(`warning: ${showFinding(warning)}`)
    const outcome = { environment, source: origin, notes, dryRun, version: null, ...planJson(plan) }
    if (dryRun || Object.keys(plan.patch).length === 0) {
      output.line(dryRun ? 'Dry run: nothing was changed.' : 'Nothing to change.')
      return outcome
    }
    try {
      const { version } = await client.patchFlags(environment, plan.patch, { etag, reason })
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

interface Read {
  readonly origin: string
  readonly flags: ReadonlyMap<string, Entry>
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
}

async function readSource(options: ImportOptions, world: World): Promise<Read> {
  const source = await options.open()
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
