/** Flags from SSM Parameter Store: one parameter each, named by the part of its name after the path, `/` read as `.`. */
import { type Parameter, paginateGetParametersByPath, SSMClient } from '@aws-sdk/client-ssm'
import { isObject } from '../../../engine/check.ts'
import { bareBoolean, ok, type Result } from '../../../engine/index.ts'
import type { Finding } from '../../failure.ts'
import { parseJson } from '../../json.ts'
import type { World } from '../../world.ts'
import { calling, clientSettings } from '../aws.ts'
import type { Entry, Source } from './source.ts'

const ACTION = 'ssm:GetParametersByPath'
/** The most that AWS gives at once. */
const PAGE_SIZE = 10
/** The account's 40 calls a second are shared with everything else that runs in it: ten of them are enough for us. */
const MIN_INTERVAL_MS = 100

export interface SsmOptions {
  /** Begins with a slash; one at the end is ignored. */
  readonly path: string
  readonly region: string | undefined
}

export const ssmSource =
  ({ path: given, region }: SsmOptions): Source =>
  async (world) => {
    const path = given.replace(/(?<=.)\/+$/, '')
    const client = new SSMClient(clientSettings(region, world.env))
    try {
      const from = await calling(ACTION, () => client.config.region())
      const parameters = await calling(ACTION, () => readAll(client, path, world))
      const origin = `SSM parameters under ${path} (${from})`
      return { origin, ...asEntries(parameters, path), notes: [] }
    } finally {
      client.destroy()
    }
  }

async function readAll(client: SSMClient, path: string, world: World): Promise<Parameter[]> {
  const parameters: Parameter[] = []
  const query = { Path: path, Recursive: true, WithDecryption: true }
  for await (const page of paginateGetParametersByPath({ client, pageSize: PAGE_SIZE }, query)) {
    parameters.push(...(page.Parameters ?? []))
    if (page.NextToken !== undefined) await world.wait(MIN_INTERVAL_MS)
  }
  return parameters
}

/** Pure. A value that is not one of a flag is a finding, in words that do not repeat it. */
function asEntries(
  parameters: readonly Parameter[],
  path: string,
): { entries: Entry[]; findings: Finding[] } {
  const entries: Entry[] = []
  const findings: Finding[] = []
  for (const { Name: name = '', Value: text = '', Type: type } of parameters) {
    const key = name.slice(path.length).replace(/^\//, '').replaceAll('/', '.')
    const parsed = parseValue(text)
    if (parsed.ok) entries.push({ key, value: parsed.value, from: name, secret: type === 'SecureString' })
    else findings.push({ path: name, message: parsed.error })
  }
  return { entries, findings }
}

function parseValue(text: string): Result<unknown, string> {
  const parsed = parseJson(text)
  if (!parsed.ok) return { ok: false, error: `must hold true, false or a flag as JSON; it ${parsed.error}` }
  const { value } = parsed
  if (isObject(value) || bareBoolean(value) !== null) return ok(value)
  const kind = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
  return { ok: false, error: `must hold true, false or a flag as JSON; it holds ${kind}` }
}
