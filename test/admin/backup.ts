/** Backups in tests: taken over HTTP, and read line by line. */
import { expect } from 'vitest'
import { BackupReader } from '../../admin/backup/reader.ts'
import { call } from './client.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into records of every shape
export type AnyRecord = any

/** A backup as text; fails if it is not whole. */
export async function backupOf(environment: string | null): Promise<string> {
  const path = environment === null ? '/api/v1/backup' : `/api/v1/environments/${environment}/backup`
  const response = await call(path)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/x-ndjson')
  const text = await response.text()
  expect(read(text).findings).toStrictEqual([])
  return text
}

export function read(text: string) {
  const reader = new BackupReader()
  for (const line of text.split('\n').slice(0, -1)) reader.read(line)
  return { reader, findings: reader.finish() }
}

/** Records of a name, of one object of the backup. */
export function recordsIn(text: string, object: string, name: string): AnyRecord[] {
  const lines: AnyRecord[] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const from = lines.findIndex(({ begin }) => begin === object)
  const to = lines.findIndex(({ end }) => end === object)
  return lines.slice(from + 1, to).filter(({ record }) => record === name)
}
