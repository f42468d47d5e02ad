/**
 * The samples in deploy/aws: Terraform and CloudFormation give the same rights, name only what they declare, and speak of
 * settings as the control plane does. That the rights are those that the stores need, test/admin/storage holds.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8')

interface Statement {
  readonly Sid: string
  readonly Action: readonly string[]
  readonly Resource: string | readonly string[]
}

const policy = (name: string): Statement[] => JSON.parse(read(`deploy/aws/policies/${name}.json`)).Statement

/** What CloudFormation calls the placeholders of the policies. */
const PLACEHOLDERS = {
  Partition: 'partition',
  Region: 'region',
  AccountId: 'account',
  Prefix: 'prefix',
  Application: 'application',
  Profile: 'profile',
}

describe('the CloudFormation template', () => {
  // Functions stay as what they are given: `!Sub 'x'` is `'x'`, which is what is compared.
  const template = parse(read('deploy/aws/cloudformation/turnout.yaml'), { logLevel: 'silent' })
  const resources: Record<string, { Type?: string; Properties?: Record<string, unknown> }> =
    template.Resources

  it.each([
    ['ssm', 'SsmPolicy'],
    ['appconfig', 'AppConfigPolicy'],
  ])('gives the rights of policies/%s.json', (name, resource) => {
    const { PolicyDocument } = resources[resource]!.Properties as { PolicyDocument: object }
    const text = JSON.stringify(PolicyDocument).replace(
      /\$\{(?:AWS::)?(\w+)\}/g,
      (_, name: keyof typeof PLACEHOLDERS) => `\${${PLACEHOLDERS[name]}}`,
    )
    expect(JSON.parse(text).Statement).toEqual(policy(name))
  })

  it('refers to nothing that it does not have', () => {
    const text = read('deploy/aws/cloudformation/turnout.yaml')
    const names = [
      ...Object.keys(template.Parameters),
      ...Object.keys(resources),
      'Environment',
      'Environment&{Environment}',
    ]
    const references = [
      ...text.matchAll(/!Ref (\w+)/g),
      ...text.matchAll(/!GetAtt (\w+)\./g),
      ...text.matchAll(/\$\{(\w+)\}/g),
    ].map(([, name]) => name!)
    expect(references.length).toBeGreaterThan(20)
    expect(references.filter((name) => !names.includes(name))).toEqual([])
    const conditions = [...text.matchAll(/Condition: (\w+)/g), ...text.matchAll(/!If \[(\w+)/g)].map(
      ([, name]) => name!,
    )
    expect(conditions.filter((name) => !Object.hasOwn(template.Conditions, name))).toEqual([])
  })

  it('has no parameter that nothing uses', () => {
    const text = read('deploy/aws/cloudformation/turnout.yaml')
    const unused = Object.keys(template.Parameters).filter(
      (name) => !new RegExp(`!Ref ${name}\\b|\\$\\{${name}\\}`).test(text),
    )
    expect(unused).toEqual([])
  })
})

describe('the Terraform files', () => {
  const files = readdirSync(`${root}/deploy/aws/terraform`)
  const text = files.map((file) => read(`deploy/aws/terraform/${file}`)).join('\n')
  const all = (pattern: RegExp): string[] =>
    [...text.matchAll(pattern)].map(([, ...names]) => names.join('.'))

  it('use the variables that they declare, and no others', () => {
    const declared = all(/^variable "(\w+)"/gm)
    const used = [...new Set(all(/\bvar\.(\w+)/g))]
    expect(declared.length).toBeGreaterThan(5)
    expect(used.sort()).toEqual(declared.sort())
  })

  it('use the resources, data and locals that they declare', () => {
    const declared = [
      ...all(/^resource "(\w+)" "(\w+)"/gm),
      ...all(/^data "(\w+)" "(\w+)"/gm).map((name) => `data.${name}`),
    ]
    const used = [
      ...all(/(?<!\.)\b(aws_\w+)\.(\w+)/g),
      ...all(/\bdata\.(aws_\w+)\.(\w+)/g).map((name) => `data.${name}`),
    ]
    expect([...new Set(used)].filter((name) => !declared.includes(name))).toEqual([])
    const locals = all(/^ {2}(\w+) +=/gm)
    expect([...new Set(all(/\blocal\.(\w+)/g))].filter((name) => !locals.includes(name))).toEqual([])
  })

  it('give the policies what they ask for', () => {
    const given = ['partition', 'region', 'account', 'prefix', 'application', 'profile']
    const asked = ['ssm', 'appconfig'].flatMap((name) => [
      ...JSON.stringify(policy(name)).matchAll(/\$\{(\w+)\}/g),
    ])
    expect([...new Set(asked.map(([, name]) => name!))].sort()).toEqual(given.sort())
    for (const name of given) expect(text).toMatch(new RegExp(`\\b${name} += `))
  })
})

describe('both', () => {
  const samples = ['terraform/outputs.tf', 'terraform/variables.tf', 'cloudformation/turnout.yaml']
  const names = samples.flatMap((file) => [
    ...read(`deploy/aws/${file}`).matchAll(/\b((?:APPCONFIG|STORE|AWS_ROLE)_[A-Z_]+)\b/g),
  ])

  it('call the hook as the control plane wants to be called', () => {
    const header = /SECRET_HEADER = '([\w-]+)'/.exec(read('admin/api/hooks.ts'))![1]
    for (const file of ['terraform/push.tf', 'cloudformation/turnout.yaml'])
      expect(read(`deploy/aws/${file}`)).toContain(header)
  })

  it('make the strategy that the control plane would make', () => {
    const name = /Name: '(Turnout\.\w+)'/.exec(read('admin/storage/appconfig/api.ts'))![1]
    for (const file of ['terraform/appconfig.tf', 'cloudformation/turnout.yaml'])
      expect(read(`deploy/aws/${file}`)).toContain(name)
  })

  it('speak of settings that the control plane has', () => {
    const config = read('admin/config/store-config.ts')
    expect(names.length).toBeGreaterThan(4)
    for (const [, name] of names) expect(config).toContain(name!.replace(/^AWS_ROLE_/, ''))
  })
})
