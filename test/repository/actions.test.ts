/** The tables of actions in docs/ name everything that the audit log and webhooks can tell, each once, and nothing else. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ACTIONS, EVENTS_ALONE } from '../../admin/audit/actions.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Names in the first column of the table that begins with a column of that name below a heading. */
function namesIn(page: string, heading: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  const section = text.slice(text.indexOf(`\n### ${heading}\n`))
  const table = /^\| action \|.*\n\|[-| ]+\n((?:\|.*\n)+)/m.exec(section)![1]!
  return Array.from(table.matchAll(/^\| ([^|]+) \|/gm)).flatMap(([, cell]) =>
    Array.from(cell!.matchAll(/`([^`]+)`/g), ([, name]) => name!),
  )
}

describe('actions', () => {
  it('of the audit log are in docs/api.md', () => {
    expect(namesIn('docs/api.md', 'Actions').sort()).toEqual([...ACTIONS].sort())
  })

  it('that only webhooks tell are in docs/webhooks.md', () => {
    expect(namesIn('docs/webhooks.md', 'Origins').sort()).toEqual([...EVENTS_ALONE].sort())
  })
})
