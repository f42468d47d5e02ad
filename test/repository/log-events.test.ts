/** The table of events in docs/operations.md names every line that the two Workers can log, and no other. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Folder of each Worker, and what people call it. */
const WORKERS = { worker: 'edge', admin: 'control plane' }

interface Source {
  readonly file: string
  readonly text: string
}

const sourcesOf = (folder: string): Source[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('node_modules'))
    .map((path) => ({ file: path.slice(root.length), text: readFileSync(path, 'utf8') }))

/** Calls that log, in any file but the one that defines them: `null` where the event is no literal. */
const callsIn = ({ text }: Source): { level: string; event: string | null }[] =>
  Array.from(text.matchAll(/(?<!function )\blog(Warn|Error)\(\s*(?:'([a-z-]+)')?/g), ([, level, event]) => ({
    level: level!.toLowerCase(),
    event: event ?? null,
  }))

/** `event (edge): warn, error`, sorted. */
function logged(): string[] {
  const levels = new Map<string, Set<string>>()
  for (const [folder, worker] of Object.entries(WORKERS))
    for (const source of sourcesOf(folder).filter(({ file }) => !file.endsWith('/log.ts')))
      for (const { level, event } of callsIn(source)) {
        const key = `${event} (${worker})`
        levels.set(key, (levels.get(key) ?? new Set()).add(level))
      }
  return [...levels].map(([key, found]) => `${key}: ${[...found].sort().reverse().join(', ')}`).sort()
}

function documented(): string[] {
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
  const table = /^\| event \| Worker \| level \|.*\n\|[-| ]+\n((?:\|.*\n)+)/m.exec(page)![1]!
  return Array.from(table.matchAll(/^\| `([a-z-]+)` \| ([a-z ]+) \| ([a-z, ]+) \|/gm))
    .map(([, event, worker, level]) => `${event} (${worker}): ${level}`)
    .sort()
}

describe('what the Workers log', () => {
  it('is in the table of events, with its level', () => {
    expect(documented()).toEqual(logged())
  })

  it('goes through log.ts, so that it is one JSON line with a level', () => {
    const direct = Object.keys(WORKERS)
      .flatMap(sourcesOf)
      .filter(({ file, text }) => !file.endsWith('/log.ts') && /\bconsole\s*[.[]/.test(text))
    expect(direct.map(({ file }) => file)).toEqual([])
  })

  it('is found wherever it is called, and not where it is defined', () => {
    const text = `logWarn('a-b', {})\n  logError(\n  'c', x)\nfunction logWarn(event: string) {}\nlogWarn(event, {})`
    expect(callsIn({ file: '', text })).toEqual([
      { level: 'warn', event: 'a-b' },
      { level: 'error', event: 'c' },
      { level: 'warn', event: null },
    ])
  })
})
