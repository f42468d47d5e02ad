/** The OpenAPI document under the rules of Redocly's linter: all it has, but for those that are named here with a reason. */
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { describe, expect, it } from 'vitest'
import { openApiText } from './document.ts'

/** Rule → why not. */
const OFF: Record<string, string> = {
  'info-contact': 'who runs a control plane is its contact, and not known here',
  'path-segment-plural': '`document` is one, and `validate`, `evaluate` and `toggle` are verbs',
  'required-string-property-missing-min-length': 'a promise about answers that helps no reader of them',
  'scalar-property-missing-example':
    'bodies and answers have examples as a whole, which examples.test.ts holds',
  'tags-alphabetical': 'tags come in the order in which a reader needs them',
}

const rules = {
  ...Object.fromEntries(Object.keys(OFF).map((rule) => [rule, 'off' as const])),
  'no-invalid-media-type-examples': { severity: 'error' as const, allowAdditionalProperties: false },
  'no-invalid-schema-examples': { severity: 'error' as const, allowAdditionalProperties: false },
  'request-mime-type': {
    severity: 'error' as const,
    allowedValues: ['application/json', 'application/merge-patch+json', 'application/x-ndjson'],
  },
  'response-mime-type': {
    severity: 'error' as const,
    allowedValues: ['application/json', 'application/problem+json', 'application/x-ndjson'],
  },
}

async function problemsOf(source: string): Promise<string[]> {
  const config = await createConfig({ extends: ['all'], rules })
  const problems = await lintFromString({ source, config })
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)
}

describe('the OpenAPI document', () => {
  it('has no problem that the linter knows', async () => {
    expect(await problemsOf(await openApiText())).toEqual([])
  })

  it('is really read: the linter finds what is broken in it', async () => {
    const document = JSON.parse(await openApiText())
    const { get } = document.paths['/api/v1/environments/{env}']
    delete get.operationId
    get.tags = ['Nothing']
    document.components.schemas.Toggle.example = { enabled: 'no' }
    document.components.schemas.Kill.example.more = 1
    const found = await problemsOf(JSON.stringify(document))
    for (const rule of ['operation-operationId', 'operation-tag-defined', 'no-invalid-schema-examples'])
      expect(
        found.some((problem) => problem.startsWith(rule)),
        rule,
      ).toBe(true)
    expect(found.filter((problem) => problem.includes('/Kill'))).toHaveLength(1)
  })
})
