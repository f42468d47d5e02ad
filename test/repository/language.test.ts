/** docs/evaluation.md and docs/traffic.md name every field of a document, and every limit as the engine has it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import { OPERATORS } from '../../engine/index.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

const evaluation = read('docs/evaluation.md')
const traffic = read('docs/traffic.md')
const code = ['document', 'breaker', 'health'].map((name) => read(`engine/${name}.ts`)).join('\n')

/** Names of an interface's fields, sorted. */
function fieldsOf(name: string, text: string): string[] {
  const body = new RegExp(`interface ${name} \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(text)![1]!
  return Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm), ([, field]) => field!).sort()
}

/** What stands below a heading, until the next one of its rank or above. */
function sectionOf(page: string, heading: string): string {
  const [, marks, below] = new RegExp(`^(#+) ${heading}\\n([\\s\\S]*)`, 'm').exec(page)!
  const end = below!.search(new RegExp(`^#{1,${marks!.length}} `, 'm'))
  return end < 0 ? below! : below!.slice(0, end)
}

const codeIn = (text: string): string[] =>
  Array.from(text.matchAll(/`"?([\w.]+)"?(?::[^`]*)?`/g), ([, name]) => name!)

/** Names in the first columns of the tables whose head says that they are fields. */
function fieldsInTables(section: string): string[] {
  const tables = section.matchAll(
    /^\| (?:field|setting|part|`mirror`|`cache`) \|.*\n\|[-| ]+\n((?:\|.*\n)+)/gm,
  )
  return Array.from(tables).flatMap(([, rows]) =>
    Array.from(rows!.matchAll(/^\| ([^|]+) \|/gm)).flatMap(([, cell]) => codeIn(cell!)),
  )
}

describe('docs/evaluation.md', () => {
  it.each(['FlagDocument', 'Flag', 'Rule', 'Segment'])('shows the fields of %s', (name) => {
    expect(fieldsOf(name, evaluation)).toEqual(fieldsOf(name, code))
  })

  const limits = Array.from(
    sectionOf(evaluation, '7\\. Limits').matchAll(
      /^\| ([^|]+) \| ([^|]+) \| (?:`(MAX_\w+|\w+)`, )?(engine\/[\w-]+\.ts)/gm,
    ),
  )
  it.each(
    limits
      .filter(([, , , name]) => name !== undefined)
      .map(([, what, limit, name, file]) => [what!, limit!, name!, file!]),
  )('has the limit of %s', (_what, limit, name, file) => {
    const value = new RegExp(`${name} = ([\\d_* ]+)$`, 'm').exec(read(file))![1]!.replaceAll('_', '')
    const number = value.split('*').reduce((product, factor) => product * Number(factor), 1)
    expect(limit.replaceAll(/(\d) (?=\d{3})/g, '$1')).toContain(String(number))
  })

  it('has every operator, and no other', () => {
    const rows = sectionOf(evaluation, '3\\. Operators').matchAll(/^\| (`[^|]+) \|/gm)
    const named = Array.from(rows).flatMap(([, cell]) => codeIn(cell!))
    // What follows the operators' table are patterns, and no names.
    expect(named.filter((name) => OPERATORS.includes(name as never))).toEqual([...OPERATORS])
  })

  it('has every attribute that the edge fills in', () => {
    const facts = read('worker/context.ts').matchAll(/^const (GEO|NETWORK|REQUEST): .*\{\n([\s\S]*?)^\}/gm)
    const known = Array.from(facts).flatMap(([, space, body]) =>
      Array.from(body!.matchAll(/^ {2}(\w+):/gm), ([, name]) => `${space!.toLowerCase()}.${name}`),
    )
    const table = sectionOf(evaluation, '2\\. Context')
    const named = Array.from(table.matchAll(/^\| (`[^|]+) \|/gm)).flatMap(([, cell]) => codeIn(cell!))
    const patterns = ['geo', 'network', 'request.query.NAME', 'request.header.NAME', 'request.cookie.NAME']
    expect(named.sort()).toEqual([...known, ...patterns].sort())
  })

  it('has every limit of a document', () => {
    const files = [
      ...[
        'check-cache',
        'check-flag',
        'check-health',
        'check-identity',
        'check-mirror',
        'check-origin',
        'check-route',
      ],
      ...['compile', 'condition', 'health', 'issues', 'operators', 'origin-url', 'references'],
    ]
    const known = new Set(limits.map(([, , , name, file]) => `${file} ${name}`))
    const there = files.flatMap((file) =>
      Array.from(
        read(`engine/${file}.ts`).matchAll(/^(?:export )?const (MAX_(?!NAMED)\w+) = \d/gm),
        ([, name]) => `engine/${file}.ts ${name}`,
      ),
    )
    expect(there.filter((limit) => !known.has(limit))).toEqual([])
  })
})

const spaced = (digits: string): string =>
  Number(digits.replaceAll('_', '')).toLocaleString('en').replaceAll(',', ' ')

describe('the ranges of docs/traffic.md', () => {
  const rows = (heading: string) =>
    Object.fromEntries(
      Array.from(
        sectionOf(traffic, heading).matchAll(/^\| `(\w+)` \| [^|]+ \| ([\d. ]+ to [\d ]+) \|/gm),
        ([, name, range]) => [name, range],
      ),
    )

  it('are those of circuit breakers', () => {
    const ranges = read('engine/check-breaker.ts').matchAll(
      /(\w+): \{ whole: \w+, least: ([\d._]+), most: ([\d_]+) \}/g,
    )
    const known = Array.from(ranges, ([, name, least, most]) => [
      name,
      `${spaced(least!)} to ${spaced(most!)}`,
    ])
    expect(known.length).toBe(10)
    expect(rows('Circuit breaker')).toEqual(Object.fromEntries(known))
  })

  it('are those of health checks', () => {
    const ranges = read('engine/check-health.ts').matchAll(/(\w+): whole\(([\d_]+), ([\d_]+)\)/g)
    const known = Array.from(ranges, ([, name, least, most]) => [
      name,
      `${spaced(least!)} to ${spaced(most!)}`,
    ])
    expect(known.length).toBe(5)
    expect(rows('Health checks')).toEqual(Object.fromEntries(known))
  })
})

/** Heading → what it is about. */
const SECTIONS: readonly (readonly [heading: string, ...interfaces: string[]])[] = [
  ['Routes', 'Route', 'RouteMatch'],
  ['Origins', 'Origin', 'Member'],
  ['JSON Web Tokens', 'JwtIdentity'],
  ['Circuit breaker', 'BreakerSettings'],
  ['Health checks', 'HealthSettings'],
  ['Maintenance', 'Maintenance'],
  ['Caches', 'CacheRules'],
  ['Mirror', 'Mirror'],
  ['Connections that stay', 'Drain'],
]

describe('docs/traffic.md', () => {
  it('has each status that the edge answers with by itself', () => {
    const sources = readdirSync(join(root, 'worker')).filter((file) => file.endsWith('.ts'))
    const calls = sources.flatMap((file) =>
      Array.from(read(`worker/${file}`).matchAll(/\bproblem\(\s*(\d{3})/g)),
    )
    const rows = Array.from(sectionOf(traffic, 'What the edge answers itself').matchAll(/^\| ([\d, ]+) \|/gm))
    const known = new Set(rows.flatMap(([, statuses]) => statuses!.split(', ')))
    expect(calls.length).toBeGreaterThan(10)
    expect(calls.map(([, status]) => status!).filter((status) => !known.has(status))).toEqual([])
  })

  it.each(SECTIONS)('has in "%s" every field, and no other', (heading, ...interfaces) => {
    const section = sectionOf(traffic, heading)
    const fields = interfaces.flatMap((name) => fieldsOf(name, code))
    const named = new Set([
      ...codeIn(section),
      ...Array.from(section.matchAll(/"(\w+)":/g), ([, name]) => name!),
    ])
    expect(fields.filter((field) => !named.has(field))).toEqual([])
    const known = (name: string) => fields.includes(name.split('.')[0]!)
    expect(fieldsInTables(section).filter((name) => !known(name))).toEqual([])
  })
})
