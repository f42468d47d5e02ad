import { expect, it } from 'vitest'
import { isBehind, toldState } from '../../worker/told.ts'

it('is read as the stream wrote it, in quotes or without', () => {
  const state = { epoch: 1795258226, snapshot: 12, kills: 3 }
  expect(toldState('"1795258226-12-3"')).toStrictEqual(state)
  expect(toldState('1795258226-12-3')).toStrictEqual(state)
})

it.each([null, '', 'abc', '1-2', '1-2-3-4', '-1-2-3', '1e3-2-3', `${'9'.repeat(16)}-1-1`, 'W/"1-2-3"'])(
  'is nothing in %j',
  (text) => {
    expect(toldState(text)).toBeNull()
  },
)

it.each([
  ['a later version', [1, 3, 0], true],
  ['a later list of kills', [1, 2, 6], true],
  ['a later epoch, whatever the versions', [2, 1, 0], true],
  ['the same', [1, 2, 5], false],
  ['an earlier version', [1, 1, 5], false],
  ['an earlier epoch, whatever the versions', [0, 9, 9], false],
] as const)('%s: behind is %j -> %j', (_, [epoch, snapshot, kills], behind) => {
  expect(isBehind({ epoch: 1, snapshot: 2, kills: 5 }, { epoch, snapshot, kills })).toBe(behind)
})
