/** Backups in tests: taken over HTTP, and read line by line. */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { expect } from 'vitest'
import { BackupReader } from '../../admin/backup/reader.ts'
import { Seal } from '../../admin/backup/seal.ts'
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

/** Lines with the closing line that fits them. */
export function closed(lines: readonly string[]): string {
  const seal = new Seal()
  const text = lines.map((line) => `${line}\n`).join('')
  seal.add(text)
  return text + seal.close()
}

/** Restores a file; answers the response. `environment`: `null`: all of it. */
export const restore = (
  text: string,
  environment: string | null,
  query = '',
  headers: Record<string, string> = {},
): Promise<Response> =>
  call(`${environment === null ? '/api/v1' : `/api/v1/environments/${environment}`}/backup${query}`, {
    method: 'PUT',
    body: text,
    headers: { 'content-type': 'application/x-ndjson', ...headers },
  })

/** The object's disk is lost. */
export async function lose(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, async (_, { storage }) => {
    await storage.deleteAlarm()
    await storage.deleteAll()
  })
  await evictDurableObject(stub)
}
