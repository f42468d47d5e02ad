/** The example of docs/migrations.md: its code is run against two databases, and its commands are made one after the other. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { forbiddenMoves } from '../../admin/governance/stage-moves.ts'
import { canonicalFlag, compile, type Flag, standing } from '../../engine/index.ts'
import { PROJECT_ROOT } from '../../local/build.ts'
import { installPackage } from './consumer.ts'

const { folder, compile: compileProgram, run } = await installPackage()

const PAGE = readFileSync(join(PROJECT_ROOT, 'docs/migrations.md'), 'utf8')
/** The blocks of code that the page names as files. */
const FILES = Object.fromEntries(
  Array.from(PAGE.matchAll(/<!-- (\S+\.ts) -->\n```ts\n(.*?)```/gs), ([, name, code]) => [name!, code!]),
)
const FLAG = Object.values(JSON.parse(/```json\n(.*?)```/s.exec(PAGE)![1]!))[0] as Flag
const [, EXAMPLE = ''] = PAGE.split('## An example')
const COMMANDS = Array.from(EXAMPLE.matchAll(/^turnout (.*)$/gm), ([, command]) => command!)

describe('the code', () => {
  it('compiles', () => {
    expect(Object.keys(FILES)).toStrictEqual(['orders.ts', 'backfill.ts'])
    expect(compileProgram(FILES)).toStrictEqual({})
  })

  it('leads every order to the new database, and loses none on the way, nor on the way back', () => {
    for (const [name, code] of Object.entries(FILES)) writeFileSync(join(folder, name), code)
    const script = `
      import { createTestClient } from '@turnout/sdk/testing'
      import { ordersIn } from './orders.ts'
      import { backfill } from './backfill.ts'
      const database = () => {
        const rows = new Map()
        return {
          rows,
          find: async (id) => rows.get(id),
          save: async (order) => void rows.set(order.id, order),
          async *batches(size) {
            const all = [...rows.values()]
            for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size)
          },
          async addMissing(orders, dryRun) {
            const missing = orders.filter(({ id }) => !rows.has(id))
            if (!dryRun) for (const order of missing) rows.set(order.id, order)
            return missing.length
          },
        }
      }
      const [v1, v2] = [database(), database()]
      const flags = createTestClient({ flags: { 'orders-db': 'off' } })
      const orders = ordersIn(v1, v2, flags)
      const said = []
      const sell = async (from, to) => { for (let n = from; n < to; n += 1) await orders.write({ id: String(n), cents: n }) }
      const missing = async () => {
        let count = 0
        for (let n = 0; n < 3000; n += 1) if ((await orders.read(String(n)))?.cents !== n) count += 1
        return count
      }
      await sell(0, 2500)
      flags.set('orders-db', 'dualwrite')
      await sell(2500, 3000)
      said.push(v2.rows.size, await backfill(v1, v2), await backfill(v1, v2, { dryRun: false }), await backfill(v1, v2))
      for (const stage of ['shadow', 'live', 'rampdown', 'shadow', 'live', 'rampdown']) {
        flags.set('orders-db', stage)
        await sell(0, 10)
        said.push(stage + ' ' + (await missing()))
      }
      flags.set('orders-db', 'complete')
      await sell(0, 1)
      said.push(await missing(), v1.rows.size, v2.rows.size)
      console.log(said.join(', '))`
    expect(run(script)).toBe(
      '500, 2500, 2500, 0, shadow 0, live 0, rampdown 0, shadow 0, live 0, rampdown 0, 0, 3000, 3000',
    )
  })
})

/** The fields of the flag that a command changes; `null`: none. */
function changesOf(command: string): Partial<Flag> | null {
  const [what, ...words] = command.replace(/ --reason .*/, '').split(' ')
  switch (what) {
    case 'switch':
      return { fallthrough: words[1]! }
    case 'shift':
      return { fallthrough: Object.fromEntries(words[1]!.split(',').map((part) => share(part))) }
    case 'flags':
      if (words.includes('--create')) return FLAG
      return Object.fromEntries(words.slice(2).map((word) => word.split('=')))
    default:
      return null
  }
}

const share = (part: string): [string, number] => {
  const [variant, weight] = part.split(':')
  return [variant!, Number(weight)]
}

describe('the commands', () => {
  it('are taken by the control plane one after the other, but for the one that the page says is refused', () => {
    let flag: Flag | undefined
    const stood: string[] = []
    for (const command of COMMANDS) {
      const changes = changesOf(command)
      if (changes === null) continue
      const next = { ...flag, ...changes } as Flag
      const compiled = compile(
        { flags: { 'orders-db': next } },
        { environment: 'prod', epoch: 1, version: 1 },
      )
      const moves = [{ key: 'orders-db', before: flag, after: next }]
      const errors = compiled.ok ? forbiddenMoves(moves, false) : compiled.error
      if (errors.length > 0) stood.push(`refused: ${command}`)
      else {
        flag = next
        stood.push([...standing(canonicalFlag(next))].toSorted().join(' and '))
      }
    }
    expect(stood).toStrictEqual([
      'off',
      'dualwrite',
      'dualwrite',
      'dualwrite and shadow',
      'shadow',
      'refused: shift flag:orders-db shadow:90,live:10',
      'shadow',
      'live and shadow',
      'live',
      'rampdown',
      'complete',
    ])
  })
})
