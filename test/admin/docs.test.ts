import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { app } from '../../admin/api/app.ts'
import { call, problem } from './client.ts'

const page = (path = '/docs') => call(path, { headers: { authorization: '' } })

describe('the landing page', () => {
  it('runs no script, takes one style sheet, and shows a call of this very address', async () => {
    const response = await app.fetch(new Request('https://admin.test:8443/'), env)
    const policy = response.headers.get('content-security-policy')!
    const nonce = /^default-src 'none'; style-src 'nonce-([\w-]{36})'; frame/.exec(policy)?.[1]
    const html = await response.text()
    expect(html).toContain(`<style nonce="${nonce}">`)
    expect(html).not.toMatch(/<script|\sstyle=|\son\w+=/)
    expect(html).toContain('https://admin.test:8443/api/v1/environments')
    expect((await page('/')).headers.get('content-security-policy')).not.toContain(nonce)
  })

  it('says where the token is: the secret of a deployment, the file of a local run', async () => {
    const pageOf = async (LOCAL: string) =>
      (await app.fetch(new Request('https://admin.test/'), { ...env, LOCAL })).text()
    const [deployed, local] = [await pageOf('false'), await pageOf('true')]
    expect(deployed).toContain('<code>ADMIN_BOOTSTRAP_TOKEN</code>')
    expect(deployed).not.toContain('.turnout')
    expect(local).toContain('$(cat .turnout/admin-token)')
    expect(local).not.toContain('ADMIN_BOOTSTRAP_TOKEN')
  })
})

describe('/docs', () => {
  it('is a page without a script or a style of its own, and without anything from elsewhere', async () => {
    const response = await page()
    expect(response.headers.get('content-type')).toBe('text/html; charset=UTF-8')
    const policy = response.headers.get('content-security-policy')!
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/)
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    const html = await response.text()
    expect(html).not.toMatch(/https?:|<style|\bstyle=|\son\w+=|<script>/)
  })

  it('finds every file that it names, with its type, kept only as long as it is asked about', async () => {
    const html = await (await page()).text()
    const files = [...html.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(([, path]) => path!)
    expect(files.length).toBe(4)
    for (const path of files) {
      const response = await call(path, { headers: { authorization: '' } })
      expect(response.status, path).toBe(200)
      const type = path.endsWith('.css') ? 'text/css' : 'text/javascript'
      expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`)
      expect(response.headers.get('cache-control')).toBe('no-cache')
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect((await response.text()).length).toBeGreaterThan(50)
    }
  })

  it('is sent again only when a file has changed', async () => {
    const first = await call('/docs/docs.js')
    await first.text()
    const etag = first.headers.get('etag')!
    const again = await call('/docs/docs.js', { headers: { 'if-none-match': etag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
    expect(again.headers.get('etag')).toBe(etag)
  })

  it('is also found with a slash at the end, and linked from the landing page', async () => {
    const moved = await app.fetch(new Request('https://admin.test/docs/'), env)
    expect([moved.status, moved.headers.get('location')]).toEqual([301, '/docs'])
    expect(await (await call('/')).text()).toContain('<a href="/docs">')
  })

  it('serves its own files alone', async () => {
    for (const path of ['LICENSE', 'none.js', '..%2Fdocs.js', 'docs.js%00', 'docs.js/', '__proto__'])
      await problem(await call(`/docs/${path}`), 404)
    await problem(await call('/docs/docs.js', { method: 'DELETE' }), 405)
  })

  it('says what to do where the files are missing', async () => {
    const ASSETS = { fetch: async () => new Response(null, { status: 404 }) }
    const response = await app.fetch(new Request('https://admin.test/docs/docs.js'), { ...env, ASSETS })
    expect((await problem(response, 404)).detail).toContain('build the control plane again')
  })
})
