/** What the control plane says of its own past: its versions, and the entries of its audit log. */
import { expect } from 'vitest'
import { admin, type Target } from './client.ts'

export interface AuditLine {
  readonly seq: number
  readonly action: string
  readonly subject: string
  readonly reason: string | null
  readonly requestId: string | null
  readonly version: number | null
  readonly kills: number | null
  readonly details: Readonly<Record<string, unknown>>
}

/** Every entry of environment `dev`, oldest first. */
async function auditOf(target: Target): Promise<AuditLine[]> {
  const { body } = await admin(target, '/api/v1/audit/export?environment=dev')
  const lines: string[] = body.split('\n').filter((line: string) => line !== '')
  return lines.map((line) => JSON.parse(line))
}

/** Numbers of the versions that are kept, oldest first. */
async function versionsOf(target: Target): Promise<number[]> {
  const found: number[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { body } = await admin(target, `/versions?limit=1000${cursor && `&cursor=${cursor}`}`)
    for (const { version } of body.items) found.push(version)
    cursor = body.nextCursor
  }
  return found.reverse()
}

/** Holds environment `dev` to it: one chain, each version and each state of the kill list made once, in order, with an entry. */
export async function requireWholeHistory(target: Target): Promise<AuditLine[]> {
  const [verified, environment, versions, entries] = await Promise.all([
    admin(target, '/api/v1/audit/verify'),
    admin(target, ''),
    versionsOf(target),
    auditOf(target),
  ])
  expect(verified.body).toMatchObject({ valid: true })
  const upTo = (n: number) => Array.from({ length: n }, (_, at) => at + 1)
  expect(versions).toEqual(upTo(environment.body.version).slice(-versions.length))
  const numbersOf = (what: 'version' | 'kills') => entries.flatMap((entry) => entry[what] ?? [])
  expect(numbersOf('version')).toEqual(upTo(environment.body.version))
  expect(numbersOf('kills')).toEqual(upTo(environment.body.killsVersion))
  return entries
}
