/** What zod's checks say, in the words of the checks of documents (engine/check.ts): what a value must be, and what it is. */
import type { z } from '@hono/zod-openapi'
import { show } from '../../engine/check.ts'

type Issue = Parameters<NonNullable<z.core.$ZodErrorMap>>[0]

/** For `z.config({ customError })`. A message that a schema has of its own goes first. */
export function messageOf(issue: Issue): string {
  const { code, input } = issue
  if (input === undefined) return 'is required'
  if (code === 'unrecognized_keys') return `known are ${knownTo(issue)}`
  if (code === 'invalid_key') return `the name ${issue.issues[0]?.message ?? 'may not be'}`
  if (code === 'too_big' || code === 'too_small') return sizeMessage(issue, input)
  return `must ${mustBe(issue)}, got ${show(input)}`
}

function mustBe(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `be ${TYPES[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return issue.values.length === 1
        ? `be ${show(issue.values[0])}`
        : `be one of ${issue.values.map(String).join(', ')}`
    case 'invalid_union':
      return [...new Set(issue.errors.flatMap(([first]) => (first ? [wanted(first.message)] : [])))].join(
        ', or ',
      )
    case 'invalid_format':
      return FORMATS[issue.format] ?? `match ${issue.pattern ?? issue.format}`
    default:
      return 'be valid'
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  array: 'an array',
  object: 'an object',
  record: 'an object',
}

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'be an RFC 3339 time with a zone, e.g. 2026-11-21T10:00:00Z',
  email: 'be an e-mail address',
  url: 'be a URL',
}

/** `must be an array, got 5` → `be an array`: the branches of a union share what they got. */
const wanted = (message: string): string => message.replace(/^must /, '').replace(/, got .*$/s, '')

const NOUNS: Readonly<Record<string, string>> = { string: 'characters', array: 'items' }

function sizeMessage(issue: Extract<Issue, { code: 'too_big' | 'too_small' }>, input: unknown): string {
  const big = issue.code === 'too_big'
  const limit = big ? issue.maximum : issue.minimum
  const noun = NOUNS[issue.origin]
  if (noun === undefined) {
    const than = issue.inclusive === false ? (big ? 'below' : 'above') : big ? 'at most' : 'at least'
    return `must be ${than} ${limit}, got ${show(input)}`
  }
  if (!big && limit === 1) return 'must not be empty'
  return `must have at ${big ? 'most' : 'least'} ${limit} ${noun}, has ${(input as string | unknown[]).length}`
}

/** The fields of the object that has others. */
function knownTo({ inst }: Issue): string {
  const def = inst?._zod.def as { shape?: object } | undefined
  return Object.keys(def?.shape ?? {}).join(', ') || 'none'
}
