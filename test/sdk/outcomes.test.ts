/** What is told of flags, when, and that it disturbs nobody. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Check, Client, Details } from '../../sdk/client.ts'
import { type OutcomesOptions, reportOutcomes } from '../../sdk/outcomes.ts'
import { openPage } from './page.ts'

const details = (key: string, variant?: string): Details => ({
  key,
  value: true,
  reason: 'STATIC',
  ...(variant !== undefined && { variant }),
})

interface Sent {
  url: string
  headers: Record<string, string>
  flags: Record<string, unknown>[]
}

/** A client that is checked by hand, and an edge that takes everything. */
function start(options: Partial<OutcomesOptions> = {}, fails = false) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  let listener: ((check: Check) => void) | null = null
  const client = {
    on: (_: string, given: (check: Check) => void) => {
      listener = given
      return () => {
        listener = null
      }
    },
  } as unknown as Client
  const sent: Sent[] = []
  const fetch = async (url: unknown, init?: RequestInit) => {
    const { flags } = JSON.parse(String(init?.body))
    sent.push({ url: String(url), headers: { ...(init?.headers as Record<string, string>) }, flags })
    if (fails) throw new Error('refused')
    return new Response('{}')
  }
  const outcomes = reportOutcomes(client, {
    url: 'https://edge.example.com/',
    fetch: fetch as typeof globalThis.fetch,
    ...options,
  })
  return {
    outcomes,
    sent,
    check: (check: Check) => listener?.(check),
    isListenedTo: () => listener !== null,
    /** Everything that was sent, by flag and variant, without what is 0. */
    told: () =>
      sent
        .flatMap(({ flags }) => flags)
        .map((row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== 0))),
  }
}

describe('outcomes', () => {
  it('are summed by flag and variant, and sent together after a while', async () => {
    const { outcomes, sent, told } = start()
    outcomes.report(details('checkout', 'on'), 'ok')
    outcomes.report(details('checkout', 'on'), 'ok')
    outcomes.report(details('checkout', 'on'), 'error')
    outcomes.report(details('checkout', 'off'), 12.5)
    outcomes.report(details('checkout', 'off'), -2)
    await vi.advanceTimersByTimeAsync(9_999)
    expect(sent).toHaveLength(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toMatchObject([{ url: 'https://edge.example.com/.turnout/events', headers: {} }])
    expect(told()).toStrictEqual([
      { flag: 'checkout', variant: 'on', ok: 2, errors: 1 },
      { flag: 'checkout', variant: 'off', values: 2, sum: 10.5, squares: 160.25 },
    ])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toHaveLength(1)
  })

  it('by a flag’s key are those of its latest variant, even if it was checked in this very turn', async () => {
    const { outcomes, check, told } = start()
    queueMicrotask(() => check(details('checkout', 'on')))
    outcomes.report('checkout', 'ok')
    await Promise.resolve()
    outcomes.flush()
    expect(told()).toStrictEqual([{ flag: 'checkout', variant: 'on', exposures: 1, ok: 1 }])
  })

  it('are none where nobody was given a variant', async () => {
    const { outcomes, check, sent } = start()
    outcomes.report('never-checked', 'ok')
    outcomes.report(details('checkout'), 'ok')
    check({ ...details('checkout'), errorCode: 'FLAG_NOT_FOUND' })
    await Promise.resolve()
    outcomes.flush()
    expect(sent).toHaveLength(0)
  })

  it('of work that is watched are told, and the work is as if it were not', async () => {
    const { outcomes, told } = start()
    const flag = details('checkout', 'on')
    expect(outcomes.watch(flag, () => 3)).toBe(3)
    expect(await outcomes.watch(flag, async () => 4)).toBe(4)
    expect(() =>
      outcomes.watch(flag, () => {
        throw new Error('declined')
      }),
    ).toThrow('declined')
    await expect(outcomes.watch(flag, () => Promise.reject(new Error('timed out')))).rejects.toThrow(
      'timed out',
    )
    outcomes.flush()
    expect(told()).toStrictEqual([{ flag: 'checkout', variant: 'on', ok: 2, errors: 2 }])
  })
})

describe('outcomes of work that is watched', () => {
  it('come with how long it took, where it is asked for', async () => {
    const { outcomes, told } = start()
    let now = 1_000
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
    onTestFinished(() => clock.mockRestore())
    outcomes.watch(
      details('checkout', 'on'),
      () => {
        now += 12
      },
      true,
    )
    await outcomes.watch(
      details('checkout', 'on'),
      async () => {
        now += 4
      },
      true,
    )
    outcomes.flush()
    expect(told()).toStrictEqual([
      { flag: 'checkout', variant: 'on', ok: 2, values: 2, sum: 16, squares: 160 },
    ])
  })

  it('and of a part of a migration are told apart', () => {
    const { outcomes, told } = start()
    outcomes.report(details('orders', 'shadow'), 'error', 'read-new')
    outcomes.report(details('orders', 'shadow'), 'ok')
    outcomes.flush()
    expect(told()).toStrictEqual([
      { flag: 'orders', variant: 'shadow', part: 'read-new', errors: 1 },
      { flag: 'orders', variant: 'shadow', ok: 1 },
    ])
  })
})

describe('exposures', () => {
  it('are counted once for each variant and each of those it was given to', () => {
    const { outcomes, check, told } = start()
    for (const targetingKey of ['ada', 'bob', 'ada']) check({ ...details('checkout', 'on'), targetingKey })
    for (let count = 0; count < 5; count += 1) check(details('banner', 'red'))
    check(details('banner', 'blue'))
    outcomes.flush()
    check(details('banner', 'red'))
    outcomes.flush()
    expect(told()).toStrictEqual([
      { flag: 'checkout', variant: 'on', exposures: 2 },
      { flag: 'banner', variant: 'red', exposures: 1 },
      { flag: 'banner', variant: 'blue', exposures: 1 },
    ])
  })
})

describe('a report', () => {
  it('carries a key in a header on a server, and no timer there keeps the process', () => {
    const unref = vi.fn()
    const { outcomes, sent } = start({ key: 'tk_server_x' })
    vi.stubGlobal('setTimeout', () => ({ unref }))
    onTestFinished(() => void vi.unstubAllGlobals())
    outcomes.report(details('checkout', 'on'), 'ok')
    expect(unref).toHaveBeenCalledOnce()
    outcomes.flush()
    expect(sent).toMatchObject([
      { url: 'https://edge.example.com/.turnout/events', headers: { 'x-api-key': 'tk_server_x' } },
    ])
  })

  it('carries it in the URL in a browser, and goes as a beacon once the page is hidden', () => {
    const page = openPage()
    const beacons: unknown[][] = []
    vi.stubGlobal('navigator', { sendBeacon: (...sent: unknown[]) => beacons.push(sent) > 0 })
    const { outcomes, sent } = start({ key: 'tk_client_x' })
    outcomes.report(details('checkout', 'on'), 'ok')
    outcomes.flush()
    const url = 'https://edge.example.com/.turnout/events?key=tk_client_x'
    expect(sent).toMatchObject([{ url, headers: {} }])
    outcomes.report(details('checkout', 'on'), 'error')
    page.show(false)
    expect(sent).toHaveLength(1)
    expect(beacons).toMatchObject([[url, expect.stringContaining('"errors":1')]])
  })

  it('goes by fetch where the browser takes no beacon', () => {
    const page = openPage()
    vi.stubGlobal('navigator', { sendBeacon: () => false })
    const { outcomes, sent } = start()
    outcomes.report(details('checkout', 'on'), 'ok')
    page.show(false)
    expect(sent).toHaveLength(1)
  })

  it('holds at most 200 rows: the next one sends what there is', () => {
    const { outcomes, sent } = start()
    for (let at = 0; at < 201; at += 1) outcomes.report(details(`flag-${at}`, 'on'), 'ok')
    expect(sent.map(({ flags }) => flags.length)).toStrictEqual([200])
    outcomes.flush()
    expect(sent.map(({ flags }) => flags.length)).toStrictEqual([200, 1])
  })

  it('that is lost is lost, without a word', async () => {
    const { outcomes, sent } = start({}, true)
    outcomes.report(details('checkout', 'on'), 'ok')
    await outcomes.flush()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toHaveLength(1)
  })

  it('is the last one of those who close, who listen no more', () => {
    const { outcomes, sent, isListenedTo } = start()
    outcomes.report(details('checkout', 'on'), 'ok')
    outcomes.close()
    expect([sent.length, isListenedTo(), vi.getTimerCount()]).toStrictEqual([1, false, 0])
    outcomes.report(details('checkout', 'on'), 'ok')
    outcomes.close()
    expect([sent.length, vi.getTimerCount()]).toStrictEqual([1, 0])
  })
})
