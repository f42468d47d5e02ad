/** What every store promises, whatever it is made of: the specification of `FlagStore`, as tests. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { FlagStore, Loaded, Revision, StoreError } from '../../../admin/storage/store.ts'
import type { FlagDocument, Kill, Result } from '../../../engine/index.ts'

export interface StoreUnderTest {
  readonly store: FlagStore
  /** Somebody else makes it the document, past the store. */
  outside(document: FlagDocument): Promise<void>
  /** Lets so much time pass that the next load may find something new. */
  pass(): Promise<void>
}

export interface Abilities {
  /** It holds routes and segments; else flags alone. */
  readonly routes: boolean
}

const ONE: FlagDocument = { flags: { alpha: { enabled: true }, beta: { enabled: true, percentage: 25 } } }
const TWO: FlagDocument = { flags: { alpha: { enabled: false }, beta: { enabled: true, percentage: 25 } } }

export function describeStore(
  name: string,
  open: () => Promise<StoreUnderTest>,
  { routes }: Abilities,
): void {
  describe(`the store ${name}`, () => {
    let store: FlagStore
    let under: StoreUnderTest
    let empty: Revision

    beforeEach(async () => {
      under = await open()
      store = under.store
      empty = (await load(null)).revision
    })

    const load = async (known: Revision | null): Promise<Loaded> => {
      await under.pass()
      const found = value(await store.load(known))
      if (found === 'unchanged') throw new Error('nothing new was found')
      return found
    }
    const isUnchanged = async (known: Revision) => {
      await under.pass()
      return value(await store.load(known)) === 'unchanged'
    }
    const save = async (document: FlagDocument, expected: Revision) =>
      value(await store.save(document, expected))

    it('begins without flags and kills', async () => {
      expect(await load(null)).toMatchObject({ document: { flags: {} }, kills: [], warnings: [] })
      expect(await isUnchanged(empty)).toBe(true)
    })

    it('gives back what was saved, and calls it by the revision that saving it answered', async () => {
      const saved = await save(ONE, empty)
      expect(await isUnchanged(saved)).toBe(true)
      expect((await load(empty)).document).toMatchObject(ONE)
      const found = await load(null)
      expect(found.document).toMatchObject(ONE)
      expect(found.revision).toBe(saved)
    })

    it('saves one change after the other', async () => {
      const first = await save(ONE, empty)
      const second = await save(TWO, first)
      expect(second).not.toBe(first)
      expect((await load(first)).document).toMatchObject(TWO)
      expect(await isUnchanged(second)).toBe(true)
    })

    it('removes what the document no longer has', async () => {
      const saved = await save(ONE, empty)
      await save({ flags: { beta: ONE.flags.beta! } }, saved)
      expect(Object.keys((await load(null)).document.flags)).toEqual(['beta'])
    })

    it('finds what somebody else has changed', async () => {
      const saved = await save(ONE, empty)
      await under.outside(TWO)
      const found = await load(saved)
      expect(found.document).toMatchObject(TWO)
      expect(await isUnchanged(found.revision)).toBe(true)
    })

    it('does not save over what somebody else has changed in the meantime', async () => {
      const saved = await save(ONE, empty)
      await under.outside(TWO)
      await under.pass()
      const error = failure(
        await store.save({ flags: { ...ONE.flags, alpha: { enabled: true, percentage: 5 } } }, saved),
      )
      expect(error.reason).toBe('changed')
      expect((await load(saved)).document).toMatchObject(TWO)
    })

    it('takes the change when it is repeated over what was found', async () => {
      const saved = await save(ONE, empty)
      await under.outside(TWO)
      const { revision } = await load(saved)
      const again = await save(ONE, revision)
      expect((await load(revision)).document).toMatchObject(ONE)
      expect(await isUnchanged(again)).toBe(true)
    })

    it('keeps kills beside the document, if it holds any', async () => {
      const saved = await save(ONE, empty)
      if (store.saveKills === null) return expect(store.kind).not.toBe('ssm')
      const kills: Kill[] = [{ target: 'flag:alpha' }, { target: 'flag:beta', variant: 'off' }]
      const killed = value(await store.saveKills(kills, saved))
      expect(await isUnchanged(killed)).toBe(true)
      const edited = await save(TWO, killed)
      const found = await load(null)
      expect(found).toMatchObject({ document: TWO, kills, revision: edited })
    })

    it.runIf(routes)('keeps segments, and routes in their order', async () => {
      const document: FlagDocument = {
        ...ONE,
        segments: { staff: { include: ['ada'] } },
        routes: ['zeta', 'eta', 'iota'].map((id) => ({
          ...{ id, match: { path: `/${id}/*` }, flag: 'alpha', fallback: 'off' },
          origins: { on: { url: 'https://on.example.com' }, off: { url: 'https://off.example.com' } },
        })),
      }
      await save(document, empty)
      expect((await load(null)).document).toMatchObject(document)
    })
  })
}

function value<T>(result: Result<T, StoreError>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

function failure<T>(result: Result<T, StoreError>): StoreError {
  if (result.ok) throw new Error(`it was done: ${JSON.stringify(result.value)}`)
  return result.error
}
