/** Reading a backup: a whole one is believed, and nothing else is. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { linesIn } from '../../admin/backup/lines.ts'
import { BackupReader, type Finding } from '../../admin/backup/reader.ts'
import { Seal } from '../../admin/backup/seal.ts'
import { anyBackup, backupOf, closed, environmentOf, kill, type ObjectSpec, sha256 } from './backups.ts'

function read(text: string): { reader: BackupReader; findings: readonly Finding[] } {
  const reader = new BackupReader()
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  for (const line of lines) reader.read(line)
  return { reader, findings: reader.finish() }
}

const findingsIn = (text: string): string[] =>
  read(text).findings.map(({ path, message }) => `${path}: ${message}`)

const linesOf = (text: string): string[] => text.trimEnd().split('\n')

describe('a whole backup', () => {
  test('is believed, whatever is in it', () => {
    fc.assert(
      fc.property(anyBackup, (text) => {
        const { reader, findings } = read(text)
        expect(findings).toStrictEqual([])
        expect(reader.objects.map(({ name }) => name)).toStrictEqual(reader.header!.holds)
      }),
    )
  })

  test('says what it holds, and where each audit log ends', () => {
    const actions = ['environment.created', 'flag.created']
    const records = [kill('flag:a'), kill('all-routes')]
    const { reader } = read(backupOf([environmentOf('dev', [['flag', 'a', true]], { records, actions })]))
    expect(reader.objects).toMatchObject([
      {
        name: 'environment:dev',
        begin: { live: true, epoch: 1000, version: 1 },
        counts: { audit: 2, kill: 2, entity: 2, body: 2, version: 1 },
        head: { seq: 2 },
      },
    ])
  })

  test('is closed by the hash of all that precedes', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (pieces) => {
        const texts = new Seal()
        const bytes = new Seal()
        for (const piece of pieces) {
          texts.add(piece)
          bytes.add(new TextEncoder().encode(piece))
        }
        const all = pieces.join('')
        const { lines, sha256: hash } = JSON.parse(texts.close())
        expect(hash).toBe(sha256(all))
        expect(lines).toBe(all.split('\n').length - 1)
        expect(JSON.parse(bytes.close())).toStrictEqual({ lines, sha256: hash })
      }),
    )
  })
})

describe('what is no whole backup', () => {
  test('is refused wherever it was cut', () => {
    fc.assert(
      fc.property(anyBackup, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (text, where) => {
        // The last line feed alone may be missing.
        const cut = text.slice(0, Math.floor(where * (text.length - 1)))
        expect(findingsIn(cut)).not.toStrictEqual([])
      }),
    )
  })

  test('is refused whichever character was changed', () => {
    fc.assert(
      fc.property(anyBackup, fc.nat(), fc.constantFrom('a', '0', '"', '{', ' '), (text, n, character) => {
        const at = n % (text.length - 1)
        fc.pre(text[at] !== character)
        const changed = text.slice(0, at) + character + text.slice(at + 1)
        // The closing line may be written in several ways, as JSON may.
        fc.pre(!(at > text.lastIndexOf('\n', text.length - 2) && character === ' '))
        expect(findingsIn(changed)).not.toStrictEqual([])
      }),
    )
  })

  test('is refused if a line is left out, doubled or moved, even if the closing line is made to fit', () => {
    fc.assert(
      fc.property(anyBackup, fc.nat(), fc.constantFrom('leave out', 'double'), (text, n, how) => {
        const lines = linesOf(text).slice(0, -1)
        const at = n % lines.length
        lines.splice(at, 1, ...(how === 'double' ? [lines[at]!, lines[at]!] : []))
        expect(findingsIn(closed(lines))).not.toStrictEqual([])
      }),
    )
  })

  test('never throws, and is always refused', () => {
    const garbage = fc.oneof(
      fc.string(),
      fc.json(),
      fc.array(fc.oneof(fc.json(), fc.constant('{"begin":"environment:dev"}'))).map((all) => closed(all)),
    )
    fc.assert(
      fc.property(garbage, (text) => {
        expect(findingsIn(text)).not.toStrictEqual([])
      }),
    )
  })

  test('names everything that is wrong at once, each by its line and field', () => {
    const text = backupOf([
      environmentOf('dev', [], {
        begin: { kills: -1 },
        records: [kill('nothing'), kill('all-flags', { onExpiry: 'perhaps', extra: 1 })],
      }),
    ])
    expect(findingsIn(text)).toContainEqual('line 2, $.kills: must be a whole number from 0')
    const both = environmentOf('dev', [], {
      records: [kill('nothing'), kill('all-flags', { onExpiry: 'perhaps', extra: 1 }), kill('all-routes')],
    })
    expect(findingsIn(backupOf([both, environmentOf('prod', [], { records: [kill('x')] })]))).toStrictEqual([
      'line 3, $.target: must be the target of a kill, such as flag:KEY',
      'line 4: has an unknown field "extra"',
      'line 4, $.onExpiry: must be one of restore, extend',
      'line 12, $.target: must be the target of a kill, such as flag:KEY',
    ])
  })

  test('of a format to come says which one this Turnout reads', () => {
    expect(findingsIn(backupOf([], { format: 2 }))).toContain(
      'line 1, $.format: is 2; this Turnout reads format 1',
    )
  })

  const flag = ['flag', 'a', true] as const
  const dev = environmentOf('dev', [flag])
  const without = (
    object: ObjectSpec,
    unwanted: (record: Record<string, unknown>) => boolean,
  ): ObjectSpec => ({
    ...object,
    records: object.records!.filter((record) => !unwanted(record as Record<string, unknown>)),
  })
  const changed = (object: ObjectSpec, name: string, change: object): ObjectSpec => ({
    ...object,
    records: object.records!.map((record) =>
      (record as { record: string }).record === name ? { ...record, ...change } : record,
    ),
  })

  test.each<[string, ObjectSpec, string]>([
    ['the text of a flag', without(dev, (r) => r.text === 'true'), 'the text of flag "a" is missing'],
    ['its settings', without(dev, (r) => r.kind === 'settings'), 'its settings are missing'],
    ['its current version', without(dev, (r) => r.record === 'version'), 'version 1 is missing'],
    ['a text of another hash', changed(dev, 'body', { text: 'false' }), 'its text is not what its hash says'],
    ['a version from the future', changed(dev, 'version', { version: 9 }), 'is above 1'],
    ['a flag twice', { ...dev, records: [...dev.records!, dev.records![0]!] }, 'is there twice: flag "a"'],
    [
      'a kill twice',
      { ...dev, records: [...dev.records!, kill('all-flags'), kill('all-flags')] },
      'is there twice: all-flags',
    ],
  ])('is refused though every hash of the file fits: %s', (_, object, message) => {
    expect(findingsIn(backupOf([object])).join('\n')).toContain(message)
  })

  test.each<[string, (log: Record<string, string>[]) => void, string]>([
    [
      'an entry was changed',
      (log) => (log[1]!.text = log[1]!.text!.replace('flag', 'flog')),
      'not what was hashed',
    ],
    ['an entry was left out', (log) => log.splice(1, 1), 'does not follow the entry before it'],
    ['two entries changed places', (log) => log.splice(1, 0, log.pop()!), 'does not follow'],
  ])('is refused though every hash of the file fits: %s in an audit log', (_, change, message) => {
    const actions = ['environment.created', 'flag.created', 'flag.deleted']
    const lines = linesOf(backupOf([{ ...dev, actions }])).slice(0, -1)
    const isEntry = (line: string) => line.startsWith('{"record":"audit"')
    const log = lines.filter(isEntry).map((line) => JSON.parse(line))
    change(log)
    const rest = lines.filter((line) => !isEntry(line))
    rest.splice(-1, 0, ...log.map((entry) => JSON.stringify(entry)))
    expect(findingsIn(closed(rest)).join('\n')).toContain(message)
  })

  test("is refused if an audit log is another environment's", () => {
    const text = backupOf([dev]).replaceAll('environment:dev', 'environment:prod')
    expect(findingsIn(text).join('\n')).toContain('belongs to another place in a chain')
  })
})

describe('the lines of a backup', () => {
  test('are the same however it comes in pieces', async () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', '\n', '{', 'ü') }))
    await fc.assert(
      fc.asyncProperty(pieces, async (all) => {
        const found: string[] = []
        for await (const line of linesIn(ReadableStream.from(all))) found.push(line)
        const whole = all.join('').split('\n')
        if (whole.at(-1) === '') whole.pop()
        expect(found).toStrictEqual(whole)
      }),
    )
  })
})
