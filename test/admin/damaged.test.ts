import { abortAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { ANY, call, environment, problem, type TestEnvironment, value } from './client.ts'

const DOCUMENT = { flags: { checkout: { enabled: true, description: 'damaged soon' }, other: true } }

/** Writes over the stored text of `checkout`, and has the object begin anew, so that it reads what is stored. */
async function damage({ stub }: TestEnvironment): Promise<void> {
  await runInDurableObject(stub, (_object, { storage: { sql } }) => {
    sql.exec(`UPDATE bodies SET text = '{broken' WHERE text LIKE '%damaged soon%'`)
  })
  await abortAllDurableObjects()
}

const auditOf = async ({ name }: TestEnvironment) =>
  (await value(await call(`/api/v1/audit?environment=${name}`))).items

const healthOf = async ({ name }: TestEnvironment) =>
  (await value(await call('/health/ready'))).components.find(
    (component: { name: string }) => component.name === `environment:${name}`,
  )

describe('an environment whose document is damaged', () => {
  let test: TestEnvironment
  beforeEach(async () => {
    test = await environment(DOCUMENT)
    await damage(test)
  })

  const put = (document: unknown, headers: Record<string, string> = ANY) =>
    call(`${test.api}/document`, { method: 'PUT', body: document, headers })

  it('says so in health, and names what is damaged', async () => {
    for (let n = 0; n < 2; n++)
      expect(await healthOf(test)).toMatchObject({
        status: 'degraded',
        problems: [expect.stringContaining('"checkout"')],
      })
    expect((await value(await call('/health/ready'))).status).toBe('degraded')
  })

  it('answers what needs the document with what is wrong and what helps', async () => {
    for (const asked of [
      call(`${test.api}/document`),
      call(`${test.api}/flags/other/toggle`, { body: { enabled: false } }),
      call(`${test.api}/flags/other`, { method: 'PATCH', body: { enabled: false }, headers: ANY }),
      call(`${test.api}/versions/2/restore`, { body: {}, headers: ANY }),
    ]) {
      const { type, detail } = await problem(await asked, 500)
      expect(type).toBe('urn:turnout:problem:unreadable')
      expect(detail).toContain('"checkout"')
      expect(detail).toContain('put a whole document')
    }
  })

  it('is killed as ever', async () => {
    const kill = await call(`${test.api}/kills/flag:checkout`, { method: 'PUT', body: { reason: 'broken' } })
    expect(kill.status).toBe(201)
  })

  it('is mended by a whole document, also one with the very texts that are damaged', async () => {
    expect((await put(DOCUMENT)).status).toBe(200)
    expect(await value(await call(`${test.api}/document`))).toMatchObject(DOCUMENT)
    expect(await healthOf(test)).toMatchObject({ status: 'ok', problems: [] })
    const [entry] = await auditOf(test)
    expect(entry).toMatchObject({ action: 'document.replaced', details: { mended: expect.any(String) } })
    await value(await call(`${test.api}/flags/checkout/toggle`, { body: { enabled: false } }))
    await abortAllDurableObjects()
    expect((await value(await call(`${test.api}/document`))).flags.checkout.enabled).toBe(false)
    expect(await value(await call(`/api/v1/audit/verify?environment=${test.name}`))).toMatchObject({
      valid: true,
    })
  })

  it('holds afterwards what the document says, and nothing else', async () => {
    const document = {
      flags: { third: { enabled: true, percentage: 10 } },
      segments: { beta: { include: ['a'] } },
    }
    const answer = await put(document)
    expect(answer.status, await answer.clone().text()).toBe(200)
    expect(await value(await call(`${test.api}/document`))).toMatchObject(document)
    expect(
      (await value(await call(`${test.api}/flags`))).items.map(({ key }: { key: string }) => key),
    ).toEqual(['third'])
    const [entry] = await auditOf(test)
    expect(entry.changes.map(({ subject }: { subject: string }) => subject).toSorted()).toEqual([
      'flag:checkout',
      'flag:other',
      'flag:third',
      'segment:beta',
    ])
  })

  it('refuses a document that is no good, and stays as it is', async () => {
    await problem(await put({ flags: { third: { percentage: 101 } } }), 422)
    await problem(await put(DOCUMENT, { 'if-match': '"v1"' }), 412)
    await problem(await call(`${test.api}/document`), 500)
  })
})

describe('a protected environment whose document is damaged', () => {
  it('has others approve what mends it, for nobody can tell what that raises', async () => {
    const test = await environment(DOCUMENT)
    await value(await call(test.api, { method: 'PUT', body: { approvals: 1 }, headers: ANY }))
    await damage(test)
    const asked = await call(`${test.api}/document`, { method: 'PUT', body: DOCUMENT, headers: ANY })
    expect(asked.status).toBe(202)
    expect(JSON.stringify(await asked.json())).toContain('nobody can tell')
  })
})
