/** What kills may do to migrations: they go back, to wherever they lead, and are not lifted in a leap. */
import { describe, expect, it } from 'vitest'
import { forbiddenKill, leaps, leapsUnderKills } from '../../admin/governance/stage-kills.ts'
import { type Flag, type Kill, STAGES, type Stage } from '../../engine/index.ts'

const VARIANTS = Object.fromEntries(STAGES.map((stage) => [stage, stage]))
const at = (stage: Stage, more: Partial<Flag> = {}): Flag => ({
  ...{
    kind: 'migration',
    enabled: true,
    variants: VARIANTS,
    off: 'off',
    fallthrough: stage,
    tags: ['storage'],
  },
  ...more,
})
const before = (stage: Stage) => at(stage, { migration: { pointOfNoReturn: 'rampdown' } })
const past = (stage: Stage) => at(stage, { off: 'rampdown', migration: { pointOfNoReturn: 'rampdown' } })
const other: Flag = { enabled: true, fallthrough: 'on' }
const killed = (variant?: string): Kill[] => [{ target: 'flag:db', ...(variant && { variant }) }]

describe('a kill', () => {
  it.each<[string, unknown, string, Kill[], string | null]>([
    ['goes back as far as it likes', at('live'), 'dualwrite', [], null],
    ['goes nowhere', at('live'), 'live', [], null],
    ['goes on by one stage', at('dualwrite'), 'shadow', [], null],
    [
      'does not leap forward',
      at('dualwrite'),
      'live',
      [],
      'would move forward from dualwrite to live; a kill goes back',
    ],
    [
      'does not leap forward from another kill',
      at('live'),
      'live',
      killed(),
      'would move forward from off to live',
    ],
    ['leads back from another kill stage by stage', at('live'), 'dualwrite', killed(), null],
    [
      'does not go back past a point of no return',
      past('complete'),
      'live',
      [],
      'would go back to live, but has passed its point of no return, rampdown',
    ],
    ['goes back as far as that', past('complete'), 'rampdown', [], null],
    [
      'does not pass a point of no return',
      before('live'),
      'rampdown',
      [],
      'would go on to rampdown, past its point of no return, rampdown; a kill does not',
    ],
    ['of a variant that the flag does not have serves `off`', past('complete'), 'blue', [], null],
    ['of another flag is free', other, 'on', [], null],
  ])('%s', (_, flag, variant, kills, complaint) => {
    const found = forbiddenKill('db', flag, variant, kills)
    if (complaint === null) expect(found).toBeNull()
    else expect(found).toContain(complaint)
  })
})

describe('a kill that ends', () => {
  const pathsOf = (flag: unknown, kills: Kill[], left: Kill[] = []) =>
    leaps({ db: flag, other }, kills, left).map(({ path }) => path)
  const DB = ['$.flags.db']

  it.each<[string, unknown, Kill[], Kill[], string[]]>([
    ['may lead on by one stage', at('shadow', { off: 'dualwrite' }), killed(), [], []],
    ['may not have a migration leap', at('live'), killed(), [], DB],
    ['may not by a tag', at('live'), [{ target: 'tag:storage' }], [], DB],
    ['may not as one of all flags', at('live'), [{ target: 'all-flags' }], [], DB],
    [
      'may where the flag has a kill of its own',
      at('live'),
      [{ target: 'all-flags' }, ...killed()],
      killed(),
      [],
    ],
    ['may where the flag is led back', at('dualwrite'), killed(), [], []],
    ['may where it served what is served', at('live'), killed('live'), [], []],
    ['of a flag that is off changes nothing', at('live', { enabled: false }), killed(), [], []],
    ['of others is free', true, killed(), [], []],
  ])('%s', (_, flag, kills, left, paths) => {
    expect(pathsOf(flag, kills, left)).toStrictEqual(paths)
  })

  it('says what to do', () => {
    expect(leaps({ db: at('live') }, killed(), [])[0]!.message).toBe(
      'would move from off to live; a migration moves by one stage at a time (off, dualwrite, shadow, live, rampdown, complete): lead the flag back first, or kill flag:db with a variant, stage by stage',
    )
  })
})

describe('a killed migration', () => {
  const problems = (was: unknown, is: unknown, kills: Kill[]) =>
    leapsUnderKills([{ key: 'db', before: was, after: is }], kills)

  it.each<[string, unknown, unknown, Kill[], boolean]>([
    ['may be led anywhere beside the kill', at('live'), at('shadow'), killed(), true],
    ['may have its `off` led on by a stage', at('live'), at('live', { off: 'dualwrite' }), killed(), true],
    ['may not have it leap', at('live'), at('live', { off: 'shadow' }), killed(), false],
    [
      'may not lose the tag that is killed',
      at('live'),
      at('live', { tags: [] }),
      [{ target: 'tag:storage' }],
      false,
    ],
    [
      'may come under a kill from anywhere',
      at('live', { tags: [] }),
      at('live'),
      [{ target: 'tag:storage' }],
      true,
    ],
    [
      'is free where others are killed',
      at('live'),
      at('live', { off: 'shadow' }),
      [{ target: 'flag:x' }],
      true,
    ],
  ])('%s', (_, was, is, kills, allowed) => {
    expect(problems(was, is, kills)).toHaveLength(allowed ? 0 : 1)
  })
})
