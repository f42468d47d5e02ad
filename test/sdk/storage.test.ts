/** Starts without the edge: copies of the snapshot in a file, or wherever two functions keep a text. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { FlagDocument } from '../../engine/index.ts'
import type { ProcessOptions } from '../../sdk/index.ts'
import { diskStorage } from '../../sdk/node/disk.ts'
import { storage, type TextStorage } from '../../sdk/storage.ts'
import { makeTemporaryFolder, removeFolder } from '../helpers/temporary-folder.ts'
import { FakeEdge, QUIET, snapshotOf, startClient } from './snapshot-edge.ts'
import { caughtWarnings } from './warnings.ts'

const DOCUMENT: FlagDocument = {
  flags: { title: { enabled: true, variants: { a: 'Schuhe für 20 €', off: '' }, fallthrough: 'a' } },
}

const start = (edge: FakeEdge, options: Partial<ProcessOptions>) =>
  startClient(edge, { ...QUIET, ...options })

/** An edge that is away. */
function away(): FakeEdge {
  const edge = new FakeEdge(DOCUMENT)
  edge.answer = () => Promise.reject(new TypeError('fetch failed'))
  return edge
}

/** A text in memory. */
function memory(text: string | null = null) {
  const kept = {
    text,
    writes: 0,
    read: () => kept.text,
    write: (next: string) => {
      kept.text = next
      kept.writes += 1
    },
  }
  return kept
}

/** What a client of an edge keeps. */
async function keptBy(edge: FakeEdge): Promise<string> {
  const kept = memory()
  await start(edge, { storage: storage(kept) }).ready
  await vi.waitFor(() => expect(kept.text).not.toBeNull())
  return kept.text!
}

const warned = caughtWarnings()

describe('a client that starts while the edge is away', () => {
  it('answers by what was kept, as stale', async () => {
    const client = start(away(), { storage: storage(memory(await keptBy(new FakeEdge(DOCUMENT)))) })
    await client.ready
    expect(client.stringDetails('title', 'none')).toMatchObject({ value: 'Schuhe für 20 €', reason: 'STALE' })
    expect(client.string('title', 'none')).toBe('Schuhe für 20 €')
    expect(client.error?.message).toBe('fetch failed')
    expect(warned).toHaveLength(1)
  })

  it('answers defaults where nothing was kept', async () => {
    for (const nothing of [null, undefined, '']) {
      const client = start(away(), { storage: storage({ read: () => nothing, write() {} }) })
      await client.ready
      expect(client.stringDetails('title', 'none').errorCode).toBe('PROVIDER_NOT_READY')
    }
    expect(warned.flat().join()).not.toContain('kept')
  })

  it.each<[string, (text: string) => string]>([
    ['cut short', (text) => text.slice(0, -3)],
    ['changed in one letter', (text) => text.replace('20', '21')],
    ['something else', () => '<html>'],
    ['one line', (text) => text.split('\n')[0]!],
    ['of another version of itself', () => '{"flags":{}}\n{}\n'],
    ['zeros', (text) => '\0'.repeat(text.length)],
  ])('ignores what was kept if it is %s, and warns', async (_, damage) => {
    const text = await keptBy(new FakeEdge(DOCUMENT))
    const client = start(away(), { storage: storage(memory(damage(text))) })
    await client.ready
    expect(client.stringDetails('title', 'none').errorCode).toBe('PROVIDER_NOT_READY')
    expect(warned[0]!.join(' ')).toMatch(/kept snapshot cannot be used.*damaged/)
  })

  it('ignores what was kept of another edge, or by another key', async () => {
    const text = await keptBy(new FakeEdge(DOCUMENT))
    for (const other of [{ url: 'https://elsewhere.example.com' }, { key: 'tk_server_y' }]) {
      const client = start(away(), { storage: storage(memory(text)), ...other })
      await client.ready
      expect(client.stringDetails('title', 'none').errorCode).toBe('PROVIDER_NOT_READY')
    }
  })

  it('keeps nothing that could open anything', async () => {
    expect(await keptBy(new FakeEdge(DOCUMENT))).not.toContain('tk_server_x')
  })
})

describe('what was kept', () => {
  it('is confirmed by the edge without being sent again', async () => {
    const edge = new FakeEdge(DOCUMENT)
    const kept = memory(await keptBy(edge))
    const client = start(edge, { storage: storage(kept) })
    await client.ready
    expect(edge.snapshots.at(-1)!.headers['if-none-match']).toBe('"7-1-0"')
    expect(client.stringDetails('title', 'none').reason).toBe('STATIC')
    expect(kept.writes).toBe(0)
  })

  it('gives way to what the edge says, and is replaced by it', async () => {
    const edge = new FakeEdge(DOCUMENT)
    const kept = memory(await keptBy(edge))
    edge.publish({ flags: { title: false } })
    await start(edge, { storage: storage(kept) }).ready
    await vi.waitFor(() => expect(kept.writes).toBe(1))
    const client = start(away(), { storage: storage(kept) })
    await client.ready
    expect(client.boolean('title', true)).toBe(false)
  })

  it('is never older in a part than what was held: a start un-kills nothing', async () => {
    const edge = new FakeEdge(DOCUMENT)
    const before = edge.delivery
    edge.kill({ target: 'flag:title' })
    const kept = memory()
    const client = start(edge, { storage: storage(kept) })
    await client.ready
    // Another isolate, which has the version, and has not heard of the kill.
    edge.delivery = { ...before, snapshot: snapshotOf(DOCUMENT, 2) }
    await client.refresh()
    expect(client.state).toBe('7-2-1')
    const later = start(away(), { storage: storage(kept) })
    await later.ready
    expect(later.string('title', 'none')).toBe('')
  })

  it('may be a mess: whatever a storage does, the edge is asked, and it is warned of once', async () => {
    const broken: TextStorage[] = [
      { read: () => Promise.reject(new Error('no')), write: () => Promise.reject(new Error('full')) },
      {
        read() {
          throw new Error('no')
        },
        write() {
          throw new Error('full')
        },
      },
      { read: () => 3 as never, write: () => {} },
    ]
    for (const each of broken) {
      warned.length = 0
      const edge = new FakeEdge(DOCUMENT)
      const client = start(edge, { storage: storage(each) })
      await client.ready
      expect(client.string('title', 'none')).toBe('Schuhe für 20 €')
      for (let version = 0; version < 3; version += 1) {
        edge.publish(DOCUMENT)
        await client.refresh()
      }
      expect(warned).toHaveLength(1)
    }
  })

  it('is waited for five seconds, and no longer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const never = () => new Promise<never>(() => {})
    const edge = new FakeEdge(DOCUMENT)
    const client = start(edge, { storage: storage({ read: never, write: never }) })
    await vi.advanceTimersByTimeAsync(5_000)
    await client.ready
    expect(client.string('title', 'none')).toBe('Schuhe für 20 €')
    edge.publish({ flags: { title: true } })
    await client.refresh()
    expect(client.boolean('title', false)).toBe(true)
  })
})

describe('a file', () => {
  const home = () => {
    const folder = makeTemporaryFolder()
    onTestFinished(() => removeFolder(folder))
    return folder
  }

  it('is written as a whole, in a folder that is made, and read again', async () => {
    const folder = join(home(), 'var/lib')
    const path = join(folder, 'flags')
    await start(new FakeEdge(DOCUMENT), { storage: diskStorage(path) }).ready
    await vi.waitFor(() => expect(existsSync(path)).toBe(true))
    expect(readdirSync(folder)).toStrictEqual(['flags'])
    const client = start(away(), { storage: diskStorage(path) })
    await client.ready
    expect(client.stringDetails('title', 'none')).toMatchObject({ value: 'Schuhe für 20 €', reason: 'STALE' })
  })

  it('is the newest of several that are written at the same time', async () => {
    const path = join(home(), 'flags')
    const disk = diskStorage(path)
    const of = { url: 'https://edge.example.com', key: 'x' }
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => disk.write(of, `text ${at}\n${'x'.repeat((19 - at) * 100_000)}`)),
    )
    expect(await disk.read(of)).toMatch(/^text 19\n/)
    expect(readdirSync(join(path, '..'))).toStrictEqual(['flags'])
    expect(warned).toHaveLength(0)
  })

  it('that is damaged is ignored, and replaced', async () => {
    const path = join(home(), 'flags')
    writeFileSync(path, Buffer.from([0xff, 0xfe, 0, 1, 10, 13]))
    const client = start(new FakeEdge(DOCUMENT), { storage: diskStorage(path) })
    await client.ready
    expect(client.string('title', 'none')).toBe('Schuhe für 20 €')
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toContain('title'))
    expect(warned).toHaveLength(1)
  })

  it('that cannot be is warned of once, and left out', async () => {
    const path = join(home(), 'flags')
    mkdirSync(path)
    chmodSync(path, 0o500)
    const edge = new FakeEdge(DOCUMENT)
    const client = start(edge, { storage: diskStorage(path) })
    await client.ready
    edge.publish(DOCUMENT)
    await client.refresh()
    await vi.waitFor(() => expect(warned).toHaveLength(1))
    expect(client.string('title', 'none')).toBe('Schuhe für 20 €')
    expect(readdirSync(join(path, '..'))).toStrictEqual(['flags'])
  })
})
