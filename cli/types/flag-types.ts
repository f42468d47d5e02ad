/** The file that tells the SDK's clients which flags there are: an augmentation of its `Flags`. Pure. */
import {
  type CanonicalFlag,
  canonicalFlag,
  type Flag,
  type FlagDocument,
  type Key,
  type ShortFlag,
} from '../../engine/index.ts'
import { property, quoted, union, valueType } from './value-type.ts'

const MODULE = '@turnout/sdk/client'

export type TypedFlag = readonly [key: Key, flag: CanonicalFlag]

/** The flags that get types, in the order of their keys. */
export const typedFlags = ({ flags = {} }: Partial<FlagDocument>, clientOnly: boolean): TypedFlag[] =>
  Object.entries(flags)
    .map(([key, flag]) => [key, canonicalFlag(flag as Flag | ShortFlag)] as const)
    .filter(([, flag]) => !clientOnly || flag.client === true)
    .sort(([one], [other]) => (one < other ? -1 : 1))

/** The file's text, lines ended by LF. Nothing in it depends on when it is written. `command`: what writes it again. */
export function flagTypes(flags: readonly TypedFlag[], command: string): string {
  const lines = [
    '/* eslint-disable */',
    '// biome-ignore-all lint: written by a program',
    `// Written by ${command}. Do not edit: write it again when flags change; --check says when.`,
    `import '${MODULE}'`,
    '',
    `declare module '${MODULE}' {`,
    '  interface Flags {',
    ...flags.flatMap(([key, flag]) => [
      ...comment(flag).map((line) => `    ${line}`),
      `    ${entry(key, flag)}`,
    ]),
    '  }',
    '}',
  ]
  return `${lines.join('\n')}\n`
}

function entry(key: Key, { variants }: CanonicalFlag): string {
  const names = union(Object.keys(variants).map(quoted))
  return `${property(key)}: { value: ${valueType(Object.values(variants))}; variant: ${names} }`
}

/** What an editor shows beside the key. */
function comment({ description = '', expiresAt, metadata = {} }: Flag): string[] {
  const { deprecated } = metadata
  const isDeprecated = deprecated !== undefined && deprecated !== false
  const lines = [
    ...description.split(/\r?\n/),
    ...(expiresAt === undefined ? [] : [`Expires ${expiresAt}.`]),
    ...(isDeprecated ? [`@deprecated ${typeof deprecated === 'string' ? deprecated : ''}`] : []),
  ]
    .map((line) => line.replace(UNPRINTABLE, ' ').replaceAll('*/', '*\\/').trim())
    .filter((line) => line !== '')
  if (lines.length < 2) return lines.map((line) => `/** ${line} */`)
  return ['/**', ...lines.map((line) => ` * ${line}`), ' */']
}

/** Control characters, and the two separators that end a line in JavaScript. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g

/** What differs between two such files, a line a flag: `+ key  …`, `- key`, `~ key  before → after`. Empty: the same text. */
export function typesDiffer(written: string, now: string): string[] {
  if (written === now) return []
  const [before, after] = [entriesOf(written), entriesOf(now)]
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort()
  const lines = keys.flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)]
    if (was === is) return []
    if (was === undefined) return `+ ${key}  ${is}`
    return is === undefined ? `- ${key}` : `~ ${key}  ${was} → ${is}`
  })
  return lines.length > 0 ? lines : ['~ comments only']
}

/** The lines that `entry` wrote, by key. */
const entriesOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    Array.from(text.matchAll(/^ {4}(\S+): (\{ value: .* \})$/gm), ([, key, type]) => [
      key!.replace(/^'(.*)'$/, '$1'),
      type!,
    ]),
  )
