import { describe, expect, it } from 'vitest'
import { GroupCommit } from '../../admin/objects/group-commit.ts'

/** A storage that is done when it is told so. */
function storage() {
  const pending: PromiseWithResolvers<void>[] = []
  const sync = () => {
    const stored = Promise.withResolvers<void>()
    pending.push(stored)
    return stored.promise
  }
  return { pending, group: new GroupCommit({ sync }) }
}

const turn = () => new Promise<void>((next) => setTimeout(next, 0))

describe('group commit', () => {
  it('lets who comes alone wait for nobody', async () => {
    const { group } = storage()
    expect(await group.run(() => 1)).toBe(1)
  })

  it('gathers those who come while another is being stored, and does their work in their order, at once', async () => {
    const { pending, group } = storage()
    const done: string[] = []
    const run = (name: string) => group.run(() => done.push(name))
    await run('first')
    const others = [run('second'), run('third')]
    await turn()
    expect(done).toEqual(['first'])
    pending[0]!.resolve()
    await Promise.all(others)
    expect(done).toEqual(['first', 'second', 'third'])
    expect(pending).toHaveLength(2)
    const last = run('fourth')
    await turn()
    expect(done).not.toContain('fourth')
    pending[1]!.resolve()
    await last
  })

  it('keeps one’s failure from the others', async () => {
    const { pending, group } = storage()
    await group.run(() => 1)
    const fails = group.run(() => {
      throw new Error('not this one')
    })
    const works = group.run(() => 2)
    pending[0]!.resolve()
    await expect(fails).rejects.toThrow('not this one')
    expect(await works).toBe(2)
  })

  it('goes on after something could not be stored', async () => {
    const { pending, group } = storage()
    await group.run(() => 1)
    const next = group.run(() => 2)
    pending[0]!.reject(new Error('disk full'))
    expect(await next).toBe(2)
  })
})
