/** Which side a migration reads and writes at each stage, in which order, and whose answer counts. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { STAGES, type Stage } from '../../engine/index.ts'
import type { Details } from '../../sdk/client.ts'
import { type MigrationOptions, type MigrationProblem, migration } from '../../sdk/migration.ts'
import type { Outcome } from '../../sdk/outcomes.ts'
import { createTestClient, failing, variant } from '../../sdk/testing.ts'

type Options = MigrationOptions<[id: string], string, [id: string, text: string], string>

/** A side of a migration that can be told to fail, or to take its time. */
function start(stage: Stage | 'elsewhere', more: Partial<Options> = {}) {
  const log: string[] = []
  const reports: string[] = []
  const problems: MigrationProblem[] = []
  const background: Promise<void>[] = []
  const failingSides = new Set<string>()
  const side = (name: string) => async (id: string) => {
    log.push(`${name} ${id}`)
    await Promise.resolve()
    log.push(`${name} done`)
    if (failingSides.has(name)) throw new Error(`${name} failed`)
    return `${name} of ${id}`
  }
  const client = createTestClient({ flags: { orders: variant(stage, stage) } })
  const outcomes = {
    report: (flag: string | Details, outcome: Outcome, part?: string) => {
      const name = typeof flag === 'string' ? flag : flag.variant
      reports.push(`${name} ${part ?? 'whole'} ${typeof outcome === 'number' ? 'ms' : outcome}`)
    },
  }
  const orders = migration<[id: string], string, [id: string, text: string], string>('orders', {
    client,
    outcomes,
    read: { old: side('read old'), new: side('read new') },
    write: { old: side('write old'), new: side('write new') },
    onProblem: (problem) => problems.push(problem),
    waitUntil: (promise) => background.push(promise),
    ...more,
  })
  return {
    ...{ orders, client, log, reports, problems },
    fail: (name: string) => failingSides.add(name),
    /** What goes on after an answer has come to its end. */
    settled: () => Promise.all(background),
    began: () => log.filter((line) => !line.endsWith('done')),
  }
}

const ORDER: Record<Stage, { write: string; read: string; compared: boolean }> = {
  off: { write: 'old', read: 'old', compared: false },
  dualwrite: { write: 'old, new', read: 'old', compared: false },
  shadow: { write: 'old, new', read: 'old, new', compared: true },
  live: { write: 'new, old', read: 'new, old', compared: true },
  rampdown: { write: 'new, old', read: 'new', compared: false },
  complete: { write: 'new', read: 'new', compared: false },
}

describe.each(STAGES)('at %s', (stage) => {
  const { read, write, compared } = ORDER[stage]
  const first = (sides: string) => sides.split(', ')[0]!

  it(`reads ${read} and answers what the first says`, async () => {
    const compare = vi.fn(() => true)
    const { orders, began, settled } = start(stage, { compare })
    expect(await orders.read('7')).toBe(`read ${first(read)} of 7`)
    await settled()
    expect(began()).toStrictEqual(read.split(', ').map((side) => `read ${side} 7`))
    expect(compare.mock.calls).toStrictEqual(compared ? [['read old of 7', 'read new of 7']] : [])
  })

  it(`writes ${write}, one after the other, and answers what the first says`, async () => {
    const { orders, log } = start(stage)
    expect(await orders.write('7', 'paid')).toBe(`write ${first(write)} of 7`)
    expect(log).toStrictEqual(write.split(', ').flatMap((side) => [`write ${side} 7`, `write ${side} done`]))
  })

  it('says where it stands, and asks once for each operation', async () => {
    const { orders, client } = start(stage)
    expect(orders.stage()).toBe(stage)
    client.reset()
    await orders.read('7')
    await orders.write('7', 'paid')
    expect(client.checks).toHaveLength(2)
  })
})

describe('the other side', () => {
  it('is not waited for when reading', async () => {
    const never = new Promise<string>(() => {})
    const { orders } = start('live', { read: { old: () => never, new: () => 'new' } })
    expect(await orders.read('7')).toBe('new')
  })

  it.each<[Stage, string]>([
    ['shadow', 'new'],
    ['live', 'old'],
  ])('at %s fails without a word to the caller: read-%s', async (stage, side) => {
    const compare = vi.fn()
    const { orders, fail, settled, problems } = start(stage, { compare })
    fail(`read ${side}`)
    expect(await orders.read('7')).toContain(' of 7')
    await settled()
    expect(problems).toStrictEqual([
      { part: `read-${side}`, stage, error: new Error(`read ${side} failed`), args: ['7'] },
    ])
    expect(compare).not.toHaveBeenCalled()
  })

  it.each<[Stage, string]>([
    ['dualwrite', 'new'],
    ['rampdown', 'old'],
  ])('at %s fails without a word to the caller: write-%s', async (stage, side) => {
    const { orders, fail, problems } = start(stage)
    fail(`write ${side}`)
    expect(await orders.write('7', 'paid')).toContain(' of 7')
    expect(problems).toMatchObject([{ part: `write-${side}`, stage, args: ['7', 'paid'] }])
  })

  it('that throws at once is as one that rejects', async () => {
    const thrown = () => {
      throw new Error('no connection')
    }
    const { orders, problems, settled } = start('shadow', { read: { old: () => 'old', new: thrown } })
    expect(await orders.read('7')).toBe('old')
    await settled()
    expect(problems).toMatchObject([{ part: 'read-new' }])
  })

  it('is read after the one that counts, where it is said so', async () => {
    const { orders, log, settled } = start('shadow', { reads: 'serial' })
    await orders.read('7')
    await settled()
    expect(log).toStrictEqual(['read old 7', 'read old done', 'read new 7', 'read new done'])
  })

  it('is read at the same time otherwise, the one that counts first', async () => {
    const { orders, log, settled } = start('live')
    await orders.read('7')
    await settled()
    expect(log.slice(0, 2)).toStrictEqual(['read new 7', 'read old 7'])
  })
})

describe('the side that counts', () => {
  it('throws to the caller, and the other is not written then', async () => {
    const { orders, fail, began, problems } = start('live')
    fail('write new')
    await expect(orders.write('7', 'paid')).rejects.toThrow('write new failed')
    expect(began()).toStrictEqual(['write new 7'])
    expect(problems).toStrictEqual([])
  })

  it('throws to the caller when reading too, and nothing is compared', async () => {
    const compare = vi.fn()
    const { orders, fail, settled } = start('shadow', { compare })
    fail('read old')
    await expect(orders.read('7')).rejects.toThrow('read old failed')
    await settled()
    expect(compare).not.toHaveBeenCalled()
  })
})

describe('a comparison', () => {
  it('that fails is told with what was asked for', async () => {
    const { orders, settled, problems, reports } = start('shadow', { compare: async () => false })
    await orders.read('7')
    await settled()
    expect(problems).toMatchObject([
      { part: 'check', stage: 'shadow', error: new Error('old and new answer differently'), args: ['7'] },
    ])
    expect(reports).toContain('shadow check error')
  })

  it('that throws is one that failed', async () => {
    const compare = () => {
      throw new TypeError('no id')
    }
    const { orders, settled, problems } = start('shadow', { compare })
    expect(await orders.read('7')).toBe('read old of 7')
    await settled()
    expect(problems).toMatchObject([{ part: 'check', error: new TypeError('no id') }])
  })

  it.each([
    [0, 0, 0],
    [0.1, 0.05, 1],
    [0.1, 0.1, 0],
    [1, 0.999, 1],
  ])('of %d is made where %d is drawn: %d', async (checkRatio, drawn, times) => {
    const compare = vi.fn(() => true)
    const { orders, settled } = start('live', { compare, checkRatio, random: () => drawn })
    await orders.read('7')
    await settled()
    expect(compare).toHaveBeenCalledTimes(times)
  })
})

describe('outcomes', () => {
  it('are told by stage, for the whole and for each side, with how long it took', async () => {
    const { orders, fail, settled, reports } = start('shadow', { compare: () => true })
    await orders.read('7')
    await settled()
    expect(reports.toSorted()).toStrictEqual([
      'shadow check ok',
      'shadow read-new ms',
      'shadow read-new ok',
      'shadow read-old ms',
      'shadow read-old ok',
      'shadow whole ok',
    ])
    reports.length = 0
    fail('write new')
    await orders.write('7', 'paid')
    expect(reports).toStrictEqual([
      'shadow write-old ok',
      'shadow write-old ms',
      'shadow write-new error',
      'shadow whole ok',
    ])
  })

  it('of the whole are those of the side that counts', async () => {
    const { orders, fail, reports } = start('complete')
    fail('read new')
    await expect(orders.read('7')).rejects.toThrow()
    expect(reports).toStrictEqual(['complete read-new error', 'complete whole error'])
  })
})

describe('without a stage', () => {
  const silent = () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    onTestFinished(() => warn.mockRestore())
    return warn
  }

  it.each([
    ['a value that is none', 'elsewhere' as const, 'is worth "elsewhere", which is no stage'],
    ['no answer', failing('PROVIDER_NOT_READY'), 'has no answer (PROVIDER_NOT_READY)'],
  ])('of %s, it is at the default, and warns once', async (_, answer, complaint) => {
    const warn = silent()
    const { orders, client, reports } = start('off', { defaultStage: 'rampdown' })
    client.set('orders', answer)
    expect(await orders.read('7')).toBe('read new of 7')
    await orders.read('8')
    expect(warn.mock.calls).toStrictEqual([
      [`turnout: migration orders ${complaint}: it is taken to be at rampdown`],
    ])
    // Nobody was given a variant, so there is none to report on.
    expect(reports.every((line) => line.startsWith('undefined'))).toBe(true)
  })

  it('is at off by itself', () => {
    silent()
    const { orders, client } = start('live')
    client.unset('orders')
    expect(orders.stage()).toBe('off')
  })

  it('warns of the first problem of each kind where nobody listens', async () => {
    const warn = silent()
    const { orders, fail, client } = start('dualwrite')
    const deaf = migration<[string], string, [string, string], string>('orders', {
      client,
      write: { old: async () => 'old', new: () => Promise.reject(new Error('full')) },
    })
    for (const id of ['1', '2', '3']) await deaf.write(id, '')
    expect(warn.mock.calls).toStrictEqual([
      [
        'turnout: migration orders has a problem with write-new at dualwrite; others like it are only counted',
        new Error('full'),
      ],
    ])
    fail('write old')
    await expect(orders.write('7', '')).rejects.toThrow()
  })
})

describe('with an error beside a stage', () => {
  it('is at the stage: a flag without a targeting key serves its off variant, which is an answer', async () => {
    const details = { key: 'orders', value: 'dualwrite', variant: 'dualwrite', reason: 'SPLIT' }
    const client = { stringDetails: () => ({ ...details, errorCode: 'TARGETING_KEY_MISSING' }) }
    const orders = migration('orders', { client: client as never, defaultStage: 'complete' })
    expect(orders.stage()).toBe('dualwrite')
  })
})

describe('for somebody', () => {
  it('asks in their context', async () => {
    const { orders, client } = start('off')
    client.set('orders', ({ targetingKey }) => (targetingKey === 'ada' ? 'complete' : 'off'))
    expect(await orders.for({ targetingKey: 'ada' }).read('7')).toBe('read new of 7')
    expect(await orders.read('7')).toBe('read old of 7')
  })
})

describe('an operation that it was made without', () => {
  it('is refused, by name', async () => {
    const { client } = start('off')
    const reading = migration('orders', { client, read: { old: () => 1, new: () => 2 } })
    expect(await reading.read()).toBe(1)
    await expect(reading.write()).rejects.toThrow('migration orders was made without "write"')
  })
})
