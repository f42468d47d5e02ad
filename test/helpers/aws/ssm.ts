/**
 * SSM Parameter Store: JSON 1.1, `X-Amz-Target: AmazonSSM.*`. Refuses what AWS refuses: a page of 11, a value of 5 KB in
 * a standard parameter, an overwrite that did not ask to be one, version 101 where version 1 is labelled.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
 */
import type { Clock } from './clock.ts'
import { pageOf } from './paging.ts'
import {
  checkName,
  constraint,
  namesOf,
  type ParameterType,
  sizeOf,
  type Tier,
  text,
  tierOf,
  typeOf,
} from './ssm-checks.ts'
import { type Answer, AwsError, type AwsRequest, type Understood } from './wire.ts'

interface Version {
  readonly version: number
  readonly value: string
  readonly modifiedAtMs: number
  labels: string[]
}

interface Parameter {
  readonly name: string
  readonly type: ParameterType
  tier: Tier
  /** Oldest first. */
  versions: Version[]
}

type Input = Readonly<Record<string, unknown>>

const MAX_VERSIONS = 100
const MAX_LABELS = 10

export class Ssm {
  readonly #clock: Clock
  readonly #accountId: string
  readonly #changed: (name: string, operation: string, type: ParameterType) => void
  readonly #parameters = new Map<string, Parameter>()
  /** Pages shorter than asked for, and an empty one with a token, as AWS allows itself. */
  awkwardPages = false

  constructor(
    clock: Clock,
    accountId: string,
    changed: (name: string, operation: string, type: ParameterType) => void,
  ) {
    this.#clock = clock
    this.#accountId = accountId
    this.#changed = changed
  }

  understand(request: AwsRequest, region: string): Understood {
    const action = (request.headers['x-amz-target'] ?? '').replace('AmazonSSM.', '')
    const operation = this.#operations[action]
    if (operation === undefined) throw new AwsError('UnknownOperationException', `${action} is not emulated`)
    if (request.headers['content-type'] !== 'application/x-amz-json-1.1')
      throw new AwsError('SerializationException', 'content-type must be application/x-amz-json-1.1')
    const input = parse(request.body)
    return {
      action: `ssm:${action}`,
      resources: this.#resourcesOf(input, region),
      input,
      run: () => jsonAnswer(operation(input, region)),
    }
  }

  readonly #operations: Readonly<Record<string, (input: Input, region: string) => unknown>> = {
    DeleteParameter: ({ Name }) => {
      if (!this.#remove(text(Name, 'name'))) throw notFound()
      return {}
    },
    DeleteParameters: ({ Names }) => {
      const names = namesOf(Names)
      const deleted = names.filter((name) => this.#remove(name))
      return {
        DeletedParameters: deleted,
        InvalidParameters: names.filter((name) => !deleted.includes(name)),
      }
    },
    GetParameter: ({ Name, WithDecryption }, region) => {
      const found = this.#select(text(Name, 'name'))
      return { Parameter: this.#show(found, WithDecryption === true, region) }
    },
    GetParameters: ({ Names, WithDecryption }, region) => {
      const names = namesOf(Names)
      const known = names.filter((name) => this.#parameters.has(baseOf(name)[0]))
      return {
        Parameters: known.map((name) => this.#show(this.#select(name), WithDecryption === true, region)),
        InvalidParameters: names.filter((name) => !known.includes(name)),
      }
    },
    GetParametersByPath: (input, region) => this.#byPath(input, region),
    GetParameterHistory: (input) => this.#history(input),
    LabelParameterVersion: (input) => this.#label(input),
    PutParameter: (input) => this.#put(input),
  }

  /** A change from outside, such as Terraform or the console would make. Answers the version. */
  put(name: string, value: string, type?: ParameterType): number {
    const { Version } = this.#put({
      Name: name,
      Value: value,
      Type: type ?? this.#parameters.get(name)?.type ?? 'String',
      Overwrite: true,
      Tier: 'Intelligent-Tiering',
    })
    return Version
  }

  remove(name: string): void {
    if (!this.#remove(name)) throw new Error(`[aws/ssm] there is no parameter ${name}`)
  }

  label(name: string, version: number, label: string): void {
    this.#label({ Name: name, ParameterVersion: version, Labels: [label] })
  }

  /** Every parameter's value and version, by name. */
  values(): Record<string, { value: string; version: number; type: ParameterType; tier: Tier }> {
    return Object.fromEntries(
      [...this.#parameters.values()].map(({ name, type, tier, versions }) => {
        const { value, version } = versions.at(-1)!
        return [name, { value, version, type, tier }]
      }),
    )
  }

  #put(input: Input): { Version: number; Tier: Tier } {
    const name = checkName(text(input.Name, 'name'))
    const value = text(input.Value, 'value')
    const before = this.#parameters.get(name)
    if (value === '') throw constraint('value', 'Member must have length greater than or equal to 1')
    if (/\{\{[\s\S]*\}\}/.test(value))
      throw new AwsError(
        'ValidationException',
        `Parameter value: (${value}) can't contain values wrapped in {{}}`,
      )
    if (before !== undefined && input.Overwrite !== true)
      throw new AwsError(
        'ParameterAlreadyExists',
        'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
      )
    if (input.Overwrite === true && Array.isArray(input.Tags))
      throw new AwsError('ValidationException', "Invalid request: tags and overwrite can't be used together.")
    const type = typeOf(input.Type, before)
    const tier = tierOf(input.Tier, value, before)
    const versions = before?.versions ?? []
    const oldest = versions[0]
    if (versions.length >= MAX_VERSIONS && oldest!.labels.length > 0)
      throw new AwsError(
        'ParameterMaxVersionLimitExceeded',
        `You attempted to create a new version of ${name} by calling the PutParameter API with the overwrite flag. Version ${oldest!.version}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.`,
      )
    const version = (versions.at(-1)?.version ?? 0) + 1
    const added: Version = { version, value, modifiedAtMs: this.#clock.nowMs(), labels: [] }
    const kept = [...versions, added].slice(-MAX_VERSIONS)
    this.#parameters.set(name, { name, type, tier, versions: kept })
    this.#changed(name, before === undefined ? 'Create' : 'Update', type)
    return { Version: version, Tier: tier }
  }

  #remove(name: string): boolean {
    const parameter = this.#parameters.get(name)
    if (parameter === undefined) return false
    this.#parameters.delete(name)
    this.#changed(name, 'Delete', parameter.type)
    return true
  }

  #byPath(input: Input, region: string): unknown {
    const { Path, Recursive, WithDecryption, NextToken } = input
    const path = text(Path, 'path')
    if (!path.startsWith('/'))
      throw new AwsError(
        'ValidationException',
        'The parameter doesn\'t meet the parameter name requirements. The parameter name must begin with a forward slash "/".',
      )
    if (input.ParameterFilters !== undefined)
      throw new AwsError('ValidationException', 'ParameterFilters are not emulated')
    const size = sizeOf(input.MaxResults, 10)
    const prefix = path.endsWith('/') ? path : `${path}/`
    const found = [...this.#parameters.values()]
      .filter(
        ({ name }) =>
          name.startsWith(prefix) && (Recursive === true || !name.slice(prefix.length).includes('/')),
      )
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name }) => this.#select(name))
    const invalid = new AwsError('InvalidNextToken', "The specified token isn't valid.")
    const question = `${prefix} ${Recursive === true}`
    const page = this.awkwardPages
      ? awkwardPage(found, size, NextToken as string | undefined, question, invalid)
      : pageOf(found, size, NextToken as string | undefined, question, invalid)
    return {
      Parameters: page.items.map((each) => this.#show(each, WithDecryption === true, region)),
      ...(page.next === undefined ? {} : { NextToken: page.next }),
    }
  }

  #history(input: Input): unknown {
    const name = text(input.Name, 'name')
    const parameter = this.#parameters.get(name)
    if (parameter === undefined) throw notFound()
    const invalid = new AwsError('InvalidNextToken', "The specified token isn't valid.")
    const size = sizeOf(input.MaxResults, 50)
    const page = pageOf(parameter.versions, size, input.NextToken as string | undefined, name, invalid)
    return {
      Parameters: page.items.map(({ version, value, labels, modifiedAtMs }) => ({
        Name: name,
        Type: parameter.type,
        Value: shown(parameter.type, value, input.WithDecryption === true),
        Version: version,
        Labels: labels,
        Tier: parameter.tier,
        DataType: 'text',
        LastModifiedDate: modifiedAtMs / 1000,
      })),
      ...(page.next === undefined ? {} : { NextToken: page.next }),
    }
  }

  /** A label sits on one version of a parameter: giving it to another takes it from the first. */
  #label(input: Input): unknown {
    const parameter = this.#parameters.get(text(input.Name, 'name'))
    if (parameter === undefined) throw notFound()
    const wanted = input.ParameterVersion ?? parameter.versions.at(-1)!.version
    const version = parameter.versions.find((each) => each.version === wanted)
    if (version === undefined)
      throw new AwsError('ParameterVersionNotFound', `There is no version ${wanted}.`)
    const labels = input.Labels as string[]
    const invalid = labels.filter((label) => !/^(?!aws|ssm)[a-zA-Z_][\w.-]{0,99}$/i.test(label))
    const valid = labels.filter((label) => !invalid.includes(label))
    if (new Set([...version.labels, ...valid]).size > MAX_LABELS)
      throw new AwsError(
        'ParameterVersionLabelLimitExceeded',
        'A parameter version can have a maximum of ten labels.',
      )
    for (const each of parameter.versions) each.labels = each.labels.filter((label) => !valid.includes(label))
    version.labels.push(...valid)
    return { InvalidLabels: invalid, ParameterVersion: version.version }
  }

  /** `name`, `name:version` or `name:label`. */
  #select(selector: string): [Parameter, Version, string | null] {
    const [name, which] = baseOf(selector)
    const parameter = this.#parameters.get(name)
    if (parameter === undefined) throw notFound()
    if (which === null) return [parameter, parameter.versions.at(-1)!, null]
    const version = parameter.versions.find(
      (each) => String(each.version) === which || each.labels.includes(which),
    )
    if (version === undefined)
      throw new AwsError(
        'ParameterVersionNotFound',
        `Systems Manager could not find version ${which} of ${name}.`,
      )
    return [parameter, version, `:${which}`]
  }

  #show(
    [parameter, version, selector]: [Parameter, Version, string | null],
    decrypt: boolean,
    region: string,
  ) {
    return {
      Name: parameter.name,
      Type: parameter.type,
      Value: shown(parameter.type, version.value, decrypt),
      Version: version.version,
      ...(selector === null ? {} : { Selector: selector }),
      LastModifiedDate: version.modifiedAtMs / 1000,
      ARN: this.#arn(parameter.name, region),
      DataType: 'text',
    }
  }

  #arn(name: string, region: string): string {
    return `arn:aws:ssm:${region}:${this.#accountId}:parameter${name.startsWith('/') ? '' : '/'}${name}`
  }

  #resourcesOf({ Name, Names, Path }: Input, region: string): string[] {
    const names = Array.isArray(Names) ? Names : [Name ?? Path]
    return names.map((name) => this.#arn(baseOf(String(name))[0], region))
  }
}

const baseOf = (selector: string): [name: string, which: string | null] => {
  const colon = selector.indexOf(':')
  return colon < 0 ? [selector, null] : [selector.slice(0, colon), selector.slice(colon + 1)]
}

const shown = (type: ParameterType, value: string, decrypt: boolean): string =>
  type === 'SecureString' && !decrypt
    ? `AQICAH${Buffer.from(value).toString('base64').length}+encrypted==`
    : value

/** The second page is empty, the others are a third shorter than asked for. */
function awkwardPage<T>(
  all: readonly T[],
  size: number,
  token: string | undefined,
  question: string,
  invalid: AwsError,
) {
  const empty = `empty ${question}`
  if (token === undefined) {
    const { items } = pageOf(all, size, undefined, question, invalid)
    return items.length < all.length
      ? { items, next: pageOf([0, 0], 1, undefined, empty, invalid).next! }
      : { items }
  }
  if (token === pageOf([0, 0], 1, undefined, empty, invalid).next)
    return { items: [], next: Buffer.from(JSON.stringify([size, question])).toString('base64url') }
  return pageOf(all, Math.max(1, Math.floor((size * 2) / 3)), token, question, invalid)
}

const notFound = (): AwsError => new AwsError('ParameterNotFound', '')

function parse(body: Buffer): Input {
  try {
    return JSON.parse(body.toString()) as Input
  } catch (cause) {
    throw new AwsError('SerializationException', (cause as Error).message)
  }
}

const jsonAnswer = (value: unknown): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(value),
})
