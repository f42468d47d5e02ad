import { describe, expect, test } from 'vitest'
import { patchLines } from '../../cli/patch-lines.ts'

describe('a JSON Patch in words', () => {
  test.each<[string, Parameters<typeof patchLines>[0], string[]]>([
    [
      'what was there comes from the test before it',
      [
        { op: 'test', path: '/percentage', value: 50 },
        { op: 'replace', path: '/percentage', value: 75 },
      ],
      ['percentage 50 → 75'],
    ],
    ['without a test nobody knows what was there', [{ op: 'replace', path: '/a', value: 1 }], ['a → 1']],
    [
      'additions',
      [{ op: 'add', path: '/rules/0/when', value: { segment: 'a' } }],
      ['rules.0.when {"segment":"a"} added'],
    ],
    [
      'removals',
      [
        { op: 'test', path: '/owner', value: 'web' },
        { op: 'remove', path: '/owner' },
      ],
      ['owner "web" removed'],
    ],
    ['moves', [{ op: 'move', path: '/rules/1', from: '/rules/0' }], ['rules.1 move from rules.0']],
    [
      'names with "/" and "~" in them',
      [{ op: 'add', path: '/metadata/a~1b~0c', value: 1 }],
      ['metadata.a/b~c 1 added'],
    ],
    ['the whole value', [{ op: 'replace', path: '', value: true }], ['all of it → true']],
  ])('%s', (_, patch, lines) => {
    expect(patchLines(patch)).toEqual(lines)
  })
})
