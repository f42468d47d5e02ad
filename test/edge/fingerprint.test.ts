/** Which names are fingerprinted, as bundlers write them. */
import { expect, it } from 'vitest'
import { isFingerprinted } from '../../worker/cross-arm.ts'

it.each([
  '/assets/index-BX3kd9aZ.js',
  '/assets/index-DiwrgTda.css',
  '/assets/logo-a_b-C1d2.svg',
  '/main.8e0d62a03d1c.js',
  '/static/js/main.8e0d62a0.chunk.js',
  '/static/css/2.4f5a6b7c.chunk.css.map',
  '/_next/static/chunks/webpack-0a1b2c3d4e5f6071.js',
  '/chunk-XYZABCDE.js',
  '/polyfills.legacy-3f2a91bc.min.js',
  '/app.a1b2c3d4.mjs',
  '/fonts/inter_0d1e2f3a4b.woff2',
])('%s is', (path) => expect(isFingerprinted(path)).toBe(true))

it.each([
  '/',
  '/index.html',
  '/main.js',
  '/jquery.validate.js',
  '/bootstrap-datepicker.js',
  '/react-18.2.0.js',
  '/report-20260101.pdf',
  '/api/users/8e0d62a03d1c',
  '/8e0d62a03d1c.js',
  '/a1b2c3d4e5f6/',
  '/short-1a2b3c4.js',
])('%s is not', (path) => expect(isFingerprinted(path)).toBe(false))

it('a name of any length is looked through in no time', () => {
  const startedMs = performance.now()
  for (const piece of ['-', 'a', '-a', '_a1'])
    for (const ending of ['', '.js', '.j', '.min.min.js?'])
      isFingerprinted(`/${piece.repeat(50_000)}${ending}`)
  expect(performance.now() - startedMs).toBeLessThan(200)
})
