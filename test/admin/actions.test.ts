/** The tables of actions in docs/ name everything that the audit log and webhooks can tell, each once, and nothing else. */
import { describe, expect, it } from 'vitest'
import { ACTIONS, EVENTS_ALONE } from '../../admin/audit/actions.ts'
import api from '../../docs/api.md?raw'
import webhooks from '../../docs/webhooks.md?raw'

/** Names in the first column of the table of actions below a heading. */
function namesIn(page: string, heading: string): string[] {
  const section = page.slice(page.indexOf(`\n### ${heading}\n`))
  const table = /^\| action \|.*\n\|[-| ]+\n((?:\|.*\n)+)/m.exec(section)![1]!
  return Array.from(table.matchAll(/^\| ([^|]+) \|/gm)).flatMap(([, cell]) =>
    Array.from(cell!.matchAll(/`([^`]+)`/g), ([, name]) => name!),
  )
}

describe('actions', () => {
  it('of the audit log are in docs/api.md', () => {
    expect(namesIn(api, 'Actions').sort()).toEqual([...ACTIONS].sort())
  })

  it('that only webhooks tell are in docs/webhooks.md', () => {
    expect(namesIn(webhooks, 'Origins').sort()).toEqual([...EVENTS_ALONE].sort())
  })
})
