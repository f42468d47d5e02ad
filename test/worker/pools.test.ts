/** Geo pools: the member whose countries, else continents, hold the request's place, else the lowest priority number. */
import { expect, it } from 'vitest'
import type { Member } from '../../engine/index.ts'
import { CANARY, canarySite, hostOf, site, startEdge, status, stubOrigins } from './edge.ts'

const eu: Member = { url: 'https://eu.test', continents: ['EU'], priority: 20 }
const de: Member = { url: 'https://de.test', countries: ['DE', 'AT'], priority: 30 }
const us: Member = { url: 'https://us.test', countries: ['US'], continents: ['NA', 'SA'], priority: 10 }
const asia: Member = { url: 'https://asia.test/base/', continents: ['AS', 'EU'], priority: 40 }

const at = (country?: string, continent?: string) => ({ country, continent }) as unknown as CfProperties

async function places(pool: Member[], ...cfs: (CfProperties | undefined)[]) {
  const sent = stubOrigins()
  const origins = { stable: { pool, strategy: 'geo' as const }, canary: { url: CANARY } }
  const edge = await startEdge(site({ origins }))
  for (const cf of cfs) await edge.fetch('/p', cf && { cf })
  return sent.map((request) => request.url)
}

it('takes the country before the continent, whatever their priorities', async () => {
  expect(await places([us, eu, de], at('DE', 'EU'), at('AT', 'EU'), at('FR', 'EU'), at('US', 'NA'))).toEqual([
    'https://de.test/p',
    'https://de.test/p',
    'https://eu.test/p',
    'https://us.test/p',
  ])
})

it('takes the lowest priority number where no member holds the place, or there is none', async () => {
  expect(await places([eu, de, us], at('ZA', 'AF'), at(), undefined)).toEqual([
    'https://us.test/p',
    'https://us.test/p',
    'https://us.test/p',
  ])
})

it('takes the lower priority number where two hold the same place', async () => {
  expect(await places([asia, eu], at('FR', 'EU'), at('JP', 'AS'))).toEqual([
    'https://eu.test/p',
    'https://asia.test/base/p',
  ])
})

it('works with a single member', async () => {
  expect(await places([us], at('DE', 'EU'), undefined)).toEqual(['https://us.test/p', 'https://us.test/p'])
})

it('takes the first of members without priorities', async () => {
  const plain: Member[] = [{ url: 'https://one.test' }, { url: 'https://two.test' }]
  expect(await places(plain, at('DE', 'EU'))).toEqual(['https://one.test/p'])
})

it('fails over from a pool’s member to the fallback of its variant', async () => {
  const sent = stubOrigins({ 'de.test': status(503) })
  const edge = await startEdge(
    canarySite({
      origins: { stable: { pool: [us, eu], strategy: 'geo' }, canary: { pool: [de, us], strategy: 'geo' } },
    }),
  )
  const response = await edge.fetch('/', { cf: at('DE', 'EU') })
  expect(response.status).toBe(200)
  expect(sent.map(hostOf)).toEqual(['de.test', 'eu.test'])
})

it('keeps credentials within the host of the member that was meant', async () => {
  const sent = stubOrigins({ 'de.test': status(503) })
  const edge = await startEdge(
    canarySite({
      origins: {
        stable: { pool: [{ ...de, url: 'https://de.test/old' }, us], strategy: 'geo' },
        canary: { pool: [de, us], strategy: 'geo' },
      },
    }),
  )
  await edge.fetch('/', { cf: at('DE', 'EU'), headers: { authorization: 'Bearer t' } })
  expect(sent.map(({ url, headers }) => [url, headers.get('authorization')])).toEqual([
    ['https://de.test/', 'Bearer t'],
    ['https://de.test/old/', 'Bearer t'],
  ])
})
