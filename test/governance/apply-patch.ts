/** A strict reading of RFC 6902 for the tests, in which `__proto__` is a key like any other. Throws where an operation fails. */
import { isDeepStrictEqual } from 'node:util'
import type { Operation } from '../../admin/governance/json-patch.ts'

export function applyPatch(document: unknown, patch: readonly Operation[]): unknown {
  let whole = structuredClone(document)
  for (const operation of patch) {
    if (operation.path === '') {
      if (operation.op === 'test') expectSame(whole, operation.value)
      else whole = operation.op === 'remove' ? undefined : structuredClone(operation.value)
      continue
    }
    const tokens = operation.path.split('/').slice(1).map(unescaped)
    const last = tokens.pop()!
    applyTo(tokens.reduce(valueAt, whole), last, operation)
  }
  return whole
}

function applyTo(parent: unknown, key: string, operation: Operation): void {
  if (operation.op !== 'add') valueAt(parent, key)
  if (operation.op === 'test') return expectSame(valueAt(parent, key), operation.value)
  if (Array.isArray(parent)) {
    const index = indexIn(parent.length + (operation.op === 'add' ? 1 : 0), key)
    const inserted = operation.op === 'remove' ? [] : [structuredClone(operation.value)]
    parent.splice(index, operation.op === 'add' ? 0 : 1, ...inserted)
  } else if (operation.op === 'remove') delete (parent as Record<string, unknown>)[key]
  else {
    const value = structuredClone(operation.value)
    Object.defineProperty(parent, key, { value, writable: true, enumerable: true, configurable: true })
  }
}

function valueAt(parent: unknown, key: string): unknown {
  if (Array.isArray(parent)) return parent[indexIn(parent.length, key)]
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, key))
    throw new Error(`nothing at ${key}`)
  return Object.getOwnPropertyDescriptor(parent, key)!.value
}

function indexIn(length: number, key: string): number {
  if (!/^(0|[1-9]\d*)$/.test(key) || Number(key) >= length) throw new Error(`no index ${key} of ${length}`)
  return Number(key)
}

const unescaped = (token: string): string => token.replaceAll('~1', '/').replaceAll('~0', '~')

function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected))
    throw new Error(`test failed: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`)
}
