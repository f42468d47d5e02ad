/** How a migration may move: by one stage at a time, and not back past its point of no return. */
import { describe, expect, it } from 'vitest'
import { forbiddenMoves, forbiddenReturns } from '../../admin/governance/stage-moves.ts'
import type { Flag, Stage } from '../../engine/index.ts'
import { STAGES } from '../../engine/index.ts'

const VARIANTS = Object.fromEntries(STAGES.map((stage) => [stage, stage]))

const at = (fallthrough: Flag['fallthrough'], more: Partial<Flag> = {}): Flag => ({
  kind: 'migration',
  enabled: true,
  variants: VARIANTS,
  off: 'off',
  fallthrough,
  ...more,
})
/** Some are at the first stage, the others at the second. */
const between = (most: Stage, some: Stage): Flag =>
  at(most, { rules: [{ id: 'some', percentage: 10, serve: some }] })
const off = (stage: Stage, more: Partial<Flag> = {}): Flag => at(stage, { enabled: false, ...more })
const past = (stage: Stage, more: Partial<Flag> = {}): Flag =>
  at(stage, { off: 'rampdown', migration: { pointOfNoReturn: 'rampdown' }, ...more })
const other: Flag = { enabled: true, fallthrough: 'on' }

const problems = (before: unknown, after: unknown, anywhere = false) =>
  forbiddenMoves([{ key: 'db', before, after }], anywhere)

describe('a migration may', () => {
  it.each<[string, unknown, unknown]>([
    ['go on by a stage', at('off'), at('dualwrite')],
    ['go back by a stage', at('live'), at('shadow')],
    ['lead some on by a stage', at('dualwrite'), between('dualwrite', 'shadow')],
    ['lead more on', between('dualwrite', 'shadow'), between('shadow', 'dualwrite')],
    ['lead the rest on', between('dualwrite', 'shadow'), at('shadow')],
    ['take some back', between('dualwrite', 'shadow'), at('dualwrite')],
    [
      'pass its point of no return',
      at('live', { migration: { pointOfNoReturn: 'rampdown' } }),
      past('rampdown'),
    ],
    ['go on behind it', past('rampdown'), past('complete')],
    ['go back as far as it', past('complete'), past('rampdown')],
    ['be switched off at any stage', at('live'), off('live')],
    ['change while it is off', off('live'), off('complete')],
    [
      'be switched on where `off` is a neighbour',
      off('shadow', { off: 'dualwrite' }),
      at('shadow', { off: 'dualwrite' }),
    ],
    ['begin at its first stage', undefined, at('off')],
    ['begin at the next one', undefined, at('dualwrite')],
    ['begin switched off', undefined, off('complete')],
    ['be removed before it begins', at('off'), undefined],
    ['be removed when it is over', past('complete'), undefined],
    ['become another flag when it is over', past('complete'), other],
    [
      'leave stages out: the rest are neighbours then',
      at('off', { variants: { off: 'off', live: 'live' } }),
      at('live', { variants: { off: 'off', live: 'live' } }),
    ],
    [
      'have its point of no return brought forward',
      past('complete'),
      past('complete', { migration: { pointOfNoReturn: 'live' } }),
    ],
  ])('%s', (_, before, after) => {
    expect(problems(before, after)).toStrictEqual([])
  })

  it('begin anywhere where it is said to', () => {
    expect(problems(undefined, at('complete'), true)).toStrictEqual([])
  })
})

describe('a migration may not', () => {
  const flag = '$.flags.db'
  it.each<[string, unknown, unknown, string, string]>([
    [
      'skip a stage',
      at('off'),
      at('shadow'),
      flag,
      'would move from off to shadow; a migration moves by one stage',
    ],
    ['skip one on the way back', at('live'), at('dualwrite'), flag, 'from live to dualwrite'],
    [
      'lead some further while others lag',
      between('dualwrite', 'shadow'),
      between('shadow', 'live'),
      flag,
      'from dualwrite and shadow to shadow and live',
    ],
    [
      'skip one by a smaller choice of stages',
      at('off'),
      at('complete', { variants: { off: 'off', complete: 'complete' } }),
      flag,
      'from off to complete',
    ],
    [
      'be switched off to another `off`',
      at('live'),
      off('live', { off: 'dualwrite' }),
      flag,
      'from live to dualwrite',
    ],
    ['be switched on far from `off`', off('live'), at('live'), flag, 'from off to live'],
    [
      'go back past its point of no return',
      past('rampdown'),
      at('live', { migration: { pointOfNoReturn: 'rampdown' } }),
      flag,
      'would go back to live, but has passed its point of no return, rampdown',
    ],
    ['go back past it by forgetting it', past('rampdown'), at('live'), flag, 'would go back to live'],
    ['go back past it by being switched off', past('rampdown'), off('live'), flag, 'would go back to off'],
    [
      'go back past it while it is off',
      past('rampdown', { enabled: false }),
      off('live', { migration: { pointOfNoReturn: 'rampdown' } }),
      flag,
      'would go back to off',
    ],
    [
      'forget a point of no return that it has passed',
      past('complete'),
      at('complete', { off: 'rampdown' }),
      `${flag}.migration.pointOfNoReturn`,
      'must stay rampdown',
    ],
    [
      'put it off',
      past('complete'),
      past('complete', { off: 'complete', migration: { pointOfNoReturn: 'complete' } }),
      `${flag}.migration.pointOfNoReturn`,
      'must stay rampdown',
    ],
    [
      'begin in the middle',
      undefined,
      at('shadow'),
      flag,
      'begins at shadow, but a migration begins at its first stage, off',
    ],
    ['begin in the middle as another flag', other, at('live'), flag, 'begins at live'],
    [
      'be removed in the middle',
      at('shadow'),
      undefined,
      flag,
      'is at shadow, and may stop being a migration at off or at complete only',
    ],
    ['become another flag in the middle', at('shadow'), other, flag, 'is at shadow'],
  ])('%s', (_, before, after, path, message) => {
    expect(problems(before, after)).toStrictEqual([{ path, message: expect.stringContaining(message) }])
  })
})

describe('where another document takes the place of this one, a migration', () => {
  const returns = (before: unknown, after: unknown) => forbiddenReturns([{ key: 'db', before, after }])

  it.each<[string, unknown, unknown]>([
    ['may leap', at('off'), at('complete', { off: 'complete' })],
    ['may leap back', at('live'), at('off')],
    ['may be gone before its point of no return', at('live'), undefined],
    ['may come in the middle', undefined, at('shadow')],
    ['may leap behind its point of no return', past('complete'), past('rampdown')],
  ])('%s', (_, before, after) => {
    expect(returns(before, after)).toStrictEqual([])
  })

  it.each<[string, unknown, unknown, string, string]>([
    ['may not go back past it', past('complete'), at('off'), '$.flags.db', 'would go back to off'],
    [
      'may not lose it',
      past('complete'),
      at('complete', { off: 'complete' }),
      '$.flags.db.migration.pointOfNoReturn',
      'must stay rampdown',
    ],
    [
      'may not be gone behind it',
      past('complete'),
      undefined,
      '$.flags.db',
      'would be no migration any more, but has passed its point of no return, rampdown',
    ],
    ['nor be another flag', past('complete'), other, '$.flags.db', 'would be no migration any more'],
  ])('%s', (_, before, after, path, message) => {
    expect(returns(before, after)).toStrictEqual([{ path, message: expect.stringContaining(message) }])
  })
})

describe('other flags', () => {
  it.each<[string, unknown, unknown]>([
    ['of no kind', { ...at('off'), kind: undefined }, { ...at('complete'), kind: undefined }],
    [
      'of kind migration that are switches',
      { kind: 'migration', enabled: false },
      { kind: 'migration', enabled: true },
    ],
    ['that are bare', true, 'false'],
  ])('%s go where they are told to', (_, before, after) => {
    expect(problems(before, after)).toStrictEqual([])
  })
})
