/** What nobody should send, as values, names, texts and pieces of addresses. */

/** Stands in JSON for a number that JSON.stringify cannot write. */
const rawNumber = (digits: string): string => `raw number ${digits}`

/** Puts the numbers in the place of what stands for them. */
export const withRawNumbers = (json: string): string =>
  json.replaceAll(/"raw number ([^"]+)"/g, (_, digits: string) => digits)

export const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  'a b',
  'ключ',
  '漢字',
  '💥',
  'e\u0301',
  '\u0000',
  '\ud800',
  '\udfff',
  '\u202e',
  '\ufeff',
  '../../etc/passwd',
  '..',
  '.',
  'a/b',
  'a\\b',
  '%2e%2e',
  '*',
  'a:b',
  'a\nb',
  '"',
  "'; DROP TABLE entities; --",
  '$.flags',
  '[0]',
  'x'.repeat(129),
  'x'.repeat(5_000),
]

export const NUMBERS: readonly unknown[] = [
  0,
  -0,
  -1,
  1.5,
  100.001,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e21,
  1e308,
  5e-324,
  rawNumber('1e400'),
  rawNumber('-1e400'),
  rawNumber('1E+999999'),
  rawNumber('9'.repeat(400)),
  rawNumber(`0.${'3'.repeat(400)}`),
  rawNumber('-0.0'),
]

export const TIMES = [
  '2026-11-21',
  '2026-02-30T00:00:00Z',
  '2026-11-21T10:00:00',
  '9999-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '2026-11-21T10:00:00+99:99',
  '+275760-09-13T00:00:00Z',
  '2099-01-01T24:00:00Z',
  'now',
]

export const URLS = [
  'http://127.0.0.1/',
  'https://[::1]/',
  'https://0x7f.1/',
  'https://user:pass@example.com/',
  'javascript:alert(1)',
  'file:///etc/passwd',
  '//example.com',
  'https://example.com:99999/',
  'https://exa mple.com/',
  `https://${'a'.repeat(300)}.example.com/`,
]

/** Values of every type; `deep` and `wide` ones too. */
export const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  [],
  {},
  [[]],
  [null],
  ...NAMES,
  ...NUMBERS,
  ...TIMES,
  ...URLS,
  JSON.parse('{"__proto__":{"polluted":true}}'),
  { constructor: { prototype: { polluted: true } } },
  { toString: null, valueOf: null },
  { length: 1e9 },
  JSON.parse('{"then":"x"}'),
  { toJSON: 'x' },
  nested(60, 'list'),
  nested(60, 'object'),
  nested(200, 'list'),
  Array.from({ length: 2_000 }, (_, n) => n),
  Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`k${n}`, n])),
]

function nested(depth: number, as: 'list' | 'object'): unknown {
  let value: unknown = 1
  for (let n = 0; n < depth; n++) value = as === 'list' ? [value] : { all: value }
  return value
}

/** One segment of an address, encoded as it is sent. */
export const SEGMENTS = [
  ...NAMES.filter((name) => name.isWellFormed() && !/^\.{0,2}$/.test(name)).map(encodeURIComponent),
  '%ED%A0%80',
  '%FF',
  '%zz',
  '%',
  '%25',
  '%2F',
  '%5C',
  '..%2f..%2fkeys',
  '..;',
  '%00',
  '%0d%0aset-cookie:%20a=b',
  '-1',
  '0',
  '1e3',
  '0x10',
  '007',
  'NaN',
  '99999999999999999999',
  '9007199254740993',
  'dev:99999999999999999999',
  'dev:-1',
  'dev:1:1',
  ':1',
  '__proto__:1',
  'flag:',
  'flag:__proto__',
  'tag:%00',
  'all-flags:x',
  '<script>alert(1)</script>',
  '{env}',
  '@control-plane',
]

/** Values of a query, encoded as they are sent. */
export const QUERY_VALUES = [
  ...SEGMENTS,
  '',
  '..',
  '[]',
  '{}',
  'true',
  'null',
  btoa('{"__proto__":1}'),
  btoa('[1e999,"x"]'),
  btoa(encodeURIComponent('[null,null]')),
  btoa(encodeURIComponent('"\u0000"')),
  btoa(encodeURIComponent('{"dev":-1,"__proto__":5}')),
]

/** Values of a header: bytes, as HTTP has them. */
export const HEADER_VALUES = [
  '',
  '*',
  '""',
  '"',
  '"v1"',
  '"v99999999999999999999"',
  'v1',
  '"v-1"',
  'W/"v1"',
  '"a", "b"',
  ','.repeat(500),
  '\u00ff\u00fe',
  'x'.repeat(4_000),
  'true',
  'TRUE',
  '__proto__',
  '{}',
]
