import { describe, expect, it, vi } from 'vitest'
import { sanitized } from '../../admin/webhook/answer.ts'
import { secretsOf, signingSecrets } from '../../admin/webhook/definition.ts'
import { type AuditEvent, eventId, MAX_EVENT_LENGTH, slim, summaryOf } from '../../admin/webhook/event.ts'
import { hears, matches } from '../../admin/webhook/filter.ts'
import { bodyOf } from '../../admin/webhook/format.ts'
import { backoffMs, GIVE_UP_MS, retryAfterMs, verdictOf } from '../../admin/webhook/retry.ts'
import { send } from '../../admin/webhook/send.ts'
import { mintSigningSecret, signaturesOf } from '../../admin/webhook/signature.ts'
import { escapeText } from '../../admin/webhook/slack.ts'
import { Slots } from '../../admin/webhook/slots.ts'
import { targetProblem } from '../../admin/webhook/target.ts'
import { auditEvent } from './webhook-events.ts'

const HOUR_MS = 3_600_000

/** What is sent, as the receiver parses it. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into messages of every shape
const sent = (event: AuditEvent, format: 'json' | 'slack' | 'pagerduty'): any =>
  JSON.parse(bodyOf(event, format, 'R'.repeat(32)))

describe('a signature', () => {
  /** Source: https://github.com/standard-webhooks/standard-webhooks, libraries/go/webhook_test.go, TestWebhookSign */
  it('is the one that Standard Webhooks publishes for its example', async () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
    expect(await signaturesOf([secret], id, 1614265330, '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    )
  })

  it('comes once for each secret, separated by a space', async () => {
    const [a, b] = [mintSigningSecret(), mintSigningSecret()]
    const both = await signaturesOf([a, b], 'evt_1', 1, 'ü')
    const apart = [await signaturesOf([a], 'evt_1', 1, 'ü'), await signaturesOf([b], 'evt_1', 1, 'ü')]
    expect(both.split(' ')).toEqual(apart)
    expect(apart[0]).not.toBe(apart[1])
  })

  it('has a secret of 256 bits, in base64, never the same twice', () => {
    const secrets = Array.from({ length: 20 }, mintSigningSecret)
    expect(new Set(secrets).size).toBe(20)
    for (const secret of secrets) {
      expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
      expect(atob(secret.slice('whsec_'.length))).toHaveLength(32)
    }
  })
})

describe('the secrets that sign', () => {
  it('are the current one, and the one before until its overlap is over', () => {
    const credentials = { url: 'https://a.example.com/', routingKey: null, secret: 'new' }
    const previous = { secret: 'old', untilMs: 1_000 }
    expect(signingSecrets({ ...credentials, previous: null }, 0)).toEqual(['new'])
    expect(signingSecrets({ ...credentials, previous }, 999)).toEqual(['new', 'old'])
    expect(signingSecrets({ ...credentials, previous }, 1_000)).toEqual(['new'])
  })
})

describe('an event', () => {
  it('has an id without dots that is its own', () => {
    const one = auditEvent({ environment: 'media-register.prod' })
    expect(eventId(one)).toMatch(/^evt_[0-9a-f]{32}$/)
    expect(eventId(auditEvent({}))).not.toBe(eventId(one))
  })

  it('that is large goes without its patches, and stays short', () => {
    const small = auditEvent({ changes: [{ subject: 'flag:a', patch: [{ op: 'add', path: '', value: 1 }] }] })
    expect(slim(small)).toBe(small)
    const value = 'x'.repeat(10_000)
    const changes = Array.from({ length: 500 }, (_, at) => ({
      subject: `flag:f${at}`,
      patch: [{ op: 'add', path: '', value } as const],
    }))
    const large = slim(auditEvent({ changes, changeCount: 500 }))
    expect(JSON.stringify(large).length).toBeLessThan(MAX_EVENT_LENGTH)
    const raising = Array.from(
      { length: 2_000 },
      (_, n) => `flag flag-${n}: is new, and not off for everybody`,
    )
    const talkative = slim(auditEvent({ details: { flags: 'x'.repeat(200_000), raising, approval: 7 } }))
    expect(JSON.stringify(talkative).length).toBeLessThan(MAX_EVENT_LENGTH)
    expect(talkative.details.approval).toBe(7)
    expect(talkative.details.raising).toHaveLength(20)
    expect(large.changes[0]).toEqual({ subject: 'flag:f0', patch: null })
    expect(large.changeCount).toBe(500)
  })

  it('is summed up in a line', () => {
    expect(summaryOf(auditEvent({ reason: 'checkout broken', actor: 'token:ci' }))).toBe(
      'Kill placed: flag:new-feature in dev by token:ci (checkout broken)',
    )
    const about = { action: 'version.restored', subject: 'document', environment: null, reason: null }
    expect(summaryOf(auditEvent(about))).toBe(
      'Version restored: document in the control plane by ana@example.com',
    )
  })
})

describe('the format json', () => {
  it('is the envelope of Standard Webhooks around the entry', () => {
    const event = auditEvent({})
    expect(sent(event, 'json')).toEqual({ type: 'kill.placed', timestamp: event.at, data: event })
  })
})

describe('the format slack', () => {
  it('says what happened as text, and again in blocks', () => {
    const message = sent(auditEvent({ reason: 'checkout broken' }), 'slack')
    expect(message.text).toBe('Kill placed: flag:new-feature in dev by ana@example.com (checkout broken)')
    expect(message.blocks.map((block: { type: string }) => block.type)).toEqual([
      'header',
      'section',
      'section',
    ])
    expect(JSON.stringify(message.blocks)).toContain('Kill list: 4')
  })

  it('lets nothing that people wrote mention, link or format', () => {
    const reason = '<!channel> & <https://evil.example|click> *bold* `code`'
    const message = sent(auditEvent({ reason, actor: '<@U1>' }), 'slack')
    const text = JSON.stringify(message)
    expect(text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/)
    expect(message.blocks[1].text.text).toBe(
      '&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt; *bold* `code`',
    )
    expect(text.match(/"type":"[a-z_]+"/g)).not.toContain('"type":"mrkdwn"')
  })

  it('keeps to the lengths that Slack takes', () => {
    const reason = '&'.repeat(5_000)
    const message = sent(
      auditEvent({ reason, subject: `kill:flag:${'k'.repeat(200)}`, actor: '<'.repeat(900) }),
      'slack',
    )
    expect(message.text.length).toBeLessThanOrEqual(3_000)
    expect(message.blocks[0].text.text.length).toBeLessThanOrEqual(150)
    expect(message.blocks[1].text.text.length).toBeLessThanOrEqual(3_000)
    for (const field of message.blocks[2].fields) expect(field.text.length).toBeLessThanOrEqual(2_000)
  })

  it('cuts a text between characters, never in one or in an entity', () => {
    expect(escapeText('abc', 3)).toBe('ab…')
    expect(escapeText('ab', 3)).toBe('ab')
    expect(escapeText('a&b', 5)).toBe('a…')
    expect(escapeText('a😀😀', 4)).toBe('a😀…')
  })
})

describe('the format pagerduty', () => {
  it('opens an alert with a kill', () => {
    const event = auditEvent({ reason: 'checkout broken' })
    expect(sent(event, 'pagerduty')).toEqual({
      routing_key: 'R'.repeat(32),
      event_action: 'trigger',
      dedup_key: 'turnout:dev:kill:flag:new-feature',
      client: 'Turnout',
      payload: {
        summary: 'Kill placed: flag:new-feature in dev by ana@example.com (checkout broken)',
        source: 'dev',
        severity: 'error',
        timestamp: event.at,
        component: 'kill:flag:new-feature',
        class: 'kill.placed',
        custom_details: expect.objectContaining({
          actor: 'ana@example.com',
          reason: 'checkout broken',
          kills: 4,
        }),
      },
    })
  })

  it.each(['kill.lifted', 'kill.expired'])('resolves that alert with %s', (action) => {
    const [opened, ended] = [sent(auditEvent({}), 'pagerduty'), sent(auditEvent({ action }), 'pagerduty')]
    expect(ended).toEqual({
      routing_key: 'R'.repeat(32),
      event_action: 'resolve',
      dedup_key: opened.dedup_key,
    })
  })

  it.each(['origin.healthy', 'origin.unchecked'])(
    'opens an alert with an origin that is unhealthy, and resolves it with %s',
    (action) => {
      const subject = 'origin:shop/canary'
      const opened = sent(
        auditEvent({ action: 'origin.unhealthy', subject, actor: 'turnout', reason: 'answered 503' }),
        'pagerduty',
      )
      expect(opened).toMatchObject({
        ...{ event_action: 'trigger', dedup_key: 'turnout:dev:origin:shop/canary' },
        payload: {
          summary: 'Origin unhealthy: shop/canary in dev by turnout (answered 503)',
          severity: 'error',
        },
      })
      expect(sent(auditEvent({ action, subject }), 'pagerduty')).toEqual({
        ...{ routing_key: 'R'.repeat(32), event_action: 'resolve', dedup_key: opened.dedup_key },
      })
    },
  )

  it('keeps alerts of other targets and environments apart', () => {
    const keys = [
      auditEvent({}),
      auditEvent({ subject: 'kill:flag:other' }),
      auditEvent({ environment: 'prod' }),
      auditEvent({ environment: null }),
      auditEvent({ action: 'flag.updated', subject: 'flag:new-feature' }),
    ].map((event) => sent(event, 'pagerduty').dedup_key)
    expect(new Set(keys).size).toBe(keys.length)
    expect(sent(auditEvent({ action: 'kill.extended' }), 'pagerduty')).toMatchObject({
      event_action: 'trigger',
      dedup_key: keys[0],
    })
  })

  it.each([
    ['kill.placed', 'kill:all-flags', 'critical'],
    ['kill.placed', 'kill:all-routes', 'critical'],
    ['kill.placed', 'kill:route:web', 'error'],
    ['flag.updated', 'flag:beta', 'info'],
  ])('gives %s of %s the severity %s', (action, subject, severity) => {
    expect(sent(auditEvent({ action, subject }), 'pagerduty').payload.severity).toBe(severity)
  })

  it('keeps to the lengths that PagerDuty takes', () => {
    const subject = `kill:flag:${'k'.repeat(300)}`
    const one = sent(auditEvent({ subject, reason: '😀'.repeat(2_000) }), 'pagerduty')
    expect(one.dedup_key.length).toBeLessThanOrEqual(255)
    expect(one.payload.summary.length).toBeLessThanOrEqual(1_024)
    expect(one.payload.summary.isWellFormed()).toBe(true)
    expect(sent(auditEvent({ subject: `${subject}x` }), 'pagerduty').dedup_key).not.toBe(one.dedup_key)
  })
})

describe('a filter', () => {
  it.each([
    ['*', '', true],
    ['*', 'kill.placed', true],
    ['kill.*', 'kill.placed', true],
    ['kill.*', 'killing', false],
    ['*.prod', 'media-register.prod', true],
    ['*.prod', 'prod', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['a*a', 'a', false],
    ['kill.placed', 'kill.placed', true],
    ['kill.placed', 'kill.placed2', false],
    ['kill?placed', 'kill.placed', false],
  ])('%j lets %j through: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  it('takes time with the length of both, whatever the pattern', () => {
    expect(matches('*a'.repeat(50_000), `${'a'.repeat(49_999)}b`)).toBe(false)
  })

  it('hears of what belongs to no environment only with *', () => {
    const event = auditEvent({ environment: null })
    const settings = { name: 'x', events: ['*'], enabled: true }
    expect(hears({ ...settings, environments: ['*'] }, event)).toBe(true)
    expect(hears({ ...settings, environments: ['dev', '*.prod'] }, event)).toBe(false)
    expect(hears({ ...settings, environments: ['*'], enabled: false }, event)).toBe(false)
    expect(hears({ ...settings, environments: ['*'], events: ['flag.*'] }, event)).toBe(false)
  })
})

describe('a target', () => {
  it.each([
    'https://hooks.slack.com/services/T000/B000/XXXX',
    'https://events.pagerduty.com/v2/enqueue',
    'https://receiver.example.com:8443/hooks/turnout',
    'https://prod-1.logic.example.com/workflows/x/run?api-version=2016-06-01&sp=%2Ftriggers%2Frun&sig=a_b-c',
  ])('may be %s', (url) => {
    expect(targetProblem(url, false)).toBeNull()
  })

  it('is a secret, and so is each long part of its path and query', () => {
    const url = 'https://receiver.example.com/hooks/0123456789?v=1&sig=abcdefghij'
    const credentials = { url, routingKey: null, secret: 'whsec_x', previous: null }
    expect(secretsOf(credentials)).toEqual(
      expect.arrayContaining([url, '/hooks/0123456789?v=1&sig=abcdefghij', '0123456789', 'abcdefghij']),
    )
  })

  it.each([
    ['http://receiver.example.com/', 'https://'],
    ['ftp://receiver.example.com/', 'https://'],
    ['HTTPS://receiver.example.com/', 'https://'],
    ['https://user:password@receiver.example.com/', 'no credentials'],
    ['https://receiver.example.com@169.254.169.254/', 'no credentials'],
    ['https://receiver.example.com/?a=b c', 'query of URL characters'],
    ['https://receiver.example.com/?a=\r\nhost: x', 'query of URL characters'],
    ['https://receiver.example.com/?a=b#c', 'query of URL characters'],
    ['https://user@receiver.example.com/?a=b', 'no credentials or fragment'],
    ['https://localhost/?a=b', 'public host name'],
    ['https://receiver.example.com/#a', 'no credentials or fragment'],
    ['https://receiver.example.com\\@10.0.0.1/', 'must be'],
    ['https://receiver.example.com/\r\nhost: x', 'must be'],
    ['https://169.254.169.254/latest/meta-data', 'IP addresses'],
    ['https://8.8.8.8/', 'IP addresses'],
    ['https://[::1]/', 'IP addresses'],
    ['https://[::ffff:10.0.0.1]/', 'IP addresses'],
    ['https://2130706433/', 'well-formed IP'],
    ['https://0x7f.1/', 'well-formed IP'],
    ['https://127.1/', 'well-formed IP'],
    ['https://localhost/', 'public host name'],
    ['https://api.localhost/', 'public host name'],
    ['https://metadata.google.internal/', 'public host name'],
    ['https://printer.local/', 'public host name'],
    ['https://intranet/', 'public host name'],
    ['https://kubernetes.default.svc/', 'public host name'],
    ['https://receiver.example.com/../admin', 'dot segments'],
    ['https://receiver.example.com/%2e%2e/admin', 'dot segments'],
    ['https://receiver.example.com:0/', 'port'],
    ['https://receiver.example.com:99999/', 'port'],
    ['https://rеceiver.example.com/', 'must be'],
    ['', 'https://'],
  ])('may not be %s', (url, sentence) => {
    expect(targetProblem(url, false)).toContain(sentence)
  })

  it('that may not be is not sent to, however it was stored', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    const credentials = {
      url: 'http://10.0.0.1/',
      routingKey: null,
      secret: mintSigningSecret(),
      previous: null,
    }
    expect(await send(auditEvent({}), 'json', credentials, false)).toMatchObject({
      status: null,
      problem: 'not sent: the URL must begin with https://; http is only allowed in local runs',
    })
    expect(fetched).not.toHaveBeenCalled()
    fetched.mockRestore()
  })

  it('may be on this machine in a local run, and nothing else is different there', () => {
    expect(targetProblem('http://127.0.0.1:9000/hook', true)).toBeNull()
    expect(targetProblem('http://localhost:9000/hook', true)).toBeNull()
    expect(targetProblem('http://user:password@127.0.0.1/', true)).toContain('no credentials')
  })
})

describe('what follows from an attempt', () => {
  const made = { attempts: 1, sinceMs: 0 }
  const verdict = (status: number | null, retryAfter: number | null = null, nowMs = 0, attempts = 1) => {
    const problem = status !== null && status < 300 ? null : 'x'
    return verdictOf({ status, problem, retryAfterMs: retryAfter }, { ...made, attempts }, nowMs, 0.5)
  }

  it.each([
    [200, 'delivered'],
    [202, 'delivered'],
    [204, 'delivered'],
    [301, 'retry'],
    [400, 'dead'],
    [401, 'retry'],
    [404, 'retry'],
    [410, 'gone'],
    [413, 'dead'],
    [422, 'dead'],
    [429, 'retry'],
    [500, 'retry'],
    [503, 'retry'],
    [null, 'retry'],
  ])('that answered %s: %s', (status, outcome) => {
    expect(verdict(status)).toMatchObject({ outcome })
  })

  it('is a wait of up to 5 s, then four times as much each, and at most an hour', () => {
    const longest = Array.from({ length: 10 }, (_, at) => backoffMs(at + 1, 1))
    expect(longest.map((ms) => ms / 1000)).toEqual([5, 20, 80, 320, 1280, 3600, 3600, 3600, 3600, 3600])
    expect(backoffMs(3, 0)).toBe(0)
    expect(backoffMs(3, 0.25)).toBe(20_000)
    expect(backoffMs(1_000, 1)).toBe(HOUR_MS)
  })

  it('is what the target asks for, if that is longer', () => {
    expect(verdict(503, 600_000)).toEqual({ outcome: 'retry', dueMs: 600_000 })
    expect(verdict(503, 1)).toEqual({ outcome: 'retry', dueMs: 2_500 })
  })

  it('is the end when the next attempt would be more than a day after the first', () => {
    const before = GIVE_UP_MS - HOUR_MS / 2
    expect(verdict(500, null, before, 20)).toEqual({ outcome: 'retry', dueMs: GIVE_UP_MS })
    expect(verdict(500, null, before + 1, 20)).toEqual({ outcome: 'dead' })
    expect(verdict(200, null, GIVE_UP_MS * 2, 20)).toEqual({ outcome: 'delivered' })
  })

  it.each([
    [null, null],
    ['120', 120_000],
    [' 0 ', 0],
    ['99999999', HOUR_MS],
    ['99999999999999', null],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 7_000],
    ['Sun, 06 Nov 1994 08:49:00 GMT', 0],
    ['-5', null],
    ['5.5', null],
    ['soon', null],
  ])('reads retry-after %j as %j ms', (header, expected) => {
    expect(retryAfterMs(header, Date.parse('1994-11-06T08:49:30Z'))).toBe(expected)
  })
})

describe('slots', () => {
  it('are two for each webhook and six in all', () => {
    const slots = new Slots()
    const taken = ['a', 'a', 'a', 'b', 'b', 'c', 'c', 'd'].map((webhook) => slots.take(webhook, false))
    expect(taken.map((slot) => slot !== null)).toEqual([true, true, false, true, true, true, true, false])
    slots.giveBack(taken[0]!)
    expect(slots.take('d', false)).not.toBeNull()
    expect(slots.take('d', false)).toBeNull()
  })

  it('are never all taken by targets that fail', () => {
    const slots = new Slots()
    const failing = ['a', 'a', 'b', 'c', 'd', 'e'].map((webhook) => slots.take(webhook, true))
    expect(failing.map((slot) => slot !== null)).toEqual([true, false, true, true, false, false])
    expect([slots.take('f', false), slots.take('f', false), slots.take('g', false)]).not.toContain(null)
  })
})

describe('what is kept of an answer', () => {
  const PATH = '/services/T000/B000/abcdefgh'
  it.each([
    ['', null],
    [' \n\t ', null],
    ['no\r\nsuch\u001b[31m\u0000 thing\u202e!', 'no such [31m thing !'],
    [`Cannot POST ${PATH}`, 'Cannot POST [secret]'],
    [`see https://hooks.example.com${PATH} please`, 'see [secret] please'],
    ['cut in the middle of it: abcdef', 'cut in the middle of it: [secret]'],
  ])('%j becomes %j', (text, expected) => {
    expect(sanitized(text, [PATH, `https://hooks.example.com${PATH}`, 'abcdefgh'])).toBe(expected)
  })

  it('is at most 200 characters', () => {
    expect(sanitized('😀'.repeat(500), [])).toBe('😀'.repeat(200))
  })
})
