/** Every document of test/cases/invalid.json: the refused with all their errors at once, the accepted with their warnings. */
import { describe, expect, it } from 'vitest'
import { type CompileIssue, compile } from '../../engine/index.ts'
import { ENVIRONMENT, EPOCH, type InvalidFile, readCases, VERSION } from '../helpers/cases.ts'

const { documents } = readCases('invalid.json') as InvalidFile
const options = { environment: ENVIRONMENT, epoch: EPOCH, version: VERSION }

describe('a refused document', () => {
  it.each(documents.filter((each) => each.errors.length > 0))('$name', (each) => {
    const result = compile(each.document, { ...options, ...each.options })
    expectIssues(result.ok ? [] : result.error, each.errors)
  })
})

describe('an accepted document', () => {
  it.each(documents.filter((each) => each.errors.length === 0))('$name', (each) => {
    const result = compile(each.document, { ...options, ...each.options })
    expect(result.ok ? [] : result.error).toStrictEqual([])
    expectIssues(result.ok ? result.value.warnings : [], each.warnings ?? [])
  })
})

/** Each issue is expected, each expectation is met, and every issue says something. */
function expectIssues(
  issues: readonly CompileIssue[],
  expected: { path: string; messageContains?: string }[],
) {
  const meets = (
    issue: CompileIssue,
    { path, messageContains }: { path: string; messageContains?: string },
  ) => pathPattern(path).test(issue.path) && issue.message.includes(messageContains ?? '')
  const surprises = issues.filter((issue) => !expected.some((one) => meets(issue, one)))
  const unmet = expected.filter((one) => !issues.some((issue) => meets(issue, one)))
  expect({ surprises, unmet }).toStrictEqual({ surprises: [], unmet: [] })
  for (const issue of issues) expect(issue.message, issue.path).toMatch(/\S\s+\S/)
}

const pathPattern = (path: string): RegExp =>
  new RegExp(`^${path.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's')
