/**
 * Reads the golden cases of test/cases and runs one through the engine. The files are language-neutral: a suite is a
 * document with the overlay and kills it is evaluated under, a case is one question and the decision it must get.
 */
import { readdirSync, readFileSync } from 'node:fs'
import type { Overlay } from '../../engine/document.ts'
import { type Compiled, type CompileOptions, compile } from '../../engine/index.ts'
import type { Kill, KillList } from '../../engine/kills.ts'

export const ENVIRONMENT = 'golden'
export const EPOCH = 3
export const VERSION = 41
export const KILL_VERSION = 7

export interface GoldenFile {
  description: string
  specVersion: 1
  suites: Suite[]
}

export interface Suite {
  name: string
  document: unknown
  overlay?: Overlay
  kills?: Kill[]
  cases: Case[]
}

export interface Case {
  name: string
  flag: string
  context: Record<string, unknown>
  at?: { route?: string; override?: string; headerOverride?: string }
  expect: Expected
}

/** Without `errorCode` or `metadata` there must be none. Without `reason` or `rule` the case leaves them open. */
export interface Expected {
  variant: string | null
  value?: unknown
  reason?: string
  rule?: string | null
  errorCode?: string
  metadata?: Record<string, string | number | boolean>
}

export interface InvalidFile {
  description: string
  specVersion: 1
  documents: InvalidDocument[]
}

/** Every issue must be expected and every expectation met; `*` in a path stands for any run. */
export interface InvalidDocument {
  name: string
  document: unknown
  options?: Pick<CompileOptions, 'allowPrivateOrigins' | 'edgeHosts'>
  errors: { path: string; messageContains?: string }[]
  warnings?: { path: string; messageContains?: string }[]
}

const folder = new URL('../cases/', import.meta.url)

export const readCases = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))

/** Every golden file that holds suites, by name. */
export function goldenFiles(): [name: string, file: GoldenFile][] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name): [string, GoldenFile] => [name, readCases(name) as GoldenFile])
    .filter(([, file]) => 'suites' in file)
}

/** Compiles or fails the test with every issue. */
export function compiled(document: unknown, options: Partial<CompileOptions> = {}): Compiled {
  const result = compile(document, { environment: ENVIRONMENT, epoch: EPOCH, version: VERSION, ...options })
  if (!result.ok)
    throw new Error(
      `does not compile:\n${result.error.map((issue) => `${issue.path}: ${issue.message}`).join('\n')}`,
    )
  return result.value
}

export const killList = (kills: readonly Kill[] = []): KillList => ({
  epoch: EPOCH,
  version: KILL_VERSION,
  kills,
})
