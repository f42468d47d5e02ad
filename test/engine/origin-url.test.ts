/** The guard against server-side request forgery: which URLs an origin may have, and that what it lets pass is read alike everywhere. */
import { describe, expect, it } from 'vitest'
import { originProblem } from '../../engine/index.ts'

const RULES = { allowPrivateOrigins: false, edgeHosts: ['edge.example.com'] }
const FORM = 'must be http:// or https://'
const PRIVATE = 'public host name'
const ADDRESS = 'IP addresses'
const DISGUISE = 'well-formed IP address'

const REFUSED: [string, string][] = [
  // Addresses, plain and in disguise.
  ['https://127.0.0.1', ADDRESS],
  ['https://8.8.8.8', ADDRESS],
  ['https://169.254.169.254/latest/meta-data', ADDRESS],
  ['https://[::1]', ADDRESS],
  ['https://[::ffff:10.0.0.1]', ADDRESS],
  ['https://[::ffff:a00:1]', ADDRESS],
  ['https://[64:ff9b::a00:1]', ADDRESS],
  ['https://[fd00:ec2::254]', ADDRESS],
  ['https://2130706433', DISGUISE],
  ['https://0x7f000001', DISGUISE],
  ['https://0x7f.1', DISGUISE],
  ['https://0177.0.0.1', DISGUISE],
  ['https://127.1', DISGUISE],
  ['https://0', DISGUISE],
  ['https://example.1', DISGUISE],
  ['https://example.0x7f', DISGUISE],
  ['https://[fe80::1%25eth0]', FORM],
  ['https://169.254.169.254.', FORM],
  // Names that are not for everybody.
  ['https://localhost', PRIVATE],
  ['https://LOCALHOST:8080', PRIVATE],
  ['https://a.localhost', PRIVATE],
  ['https://localhost.localdomain', PRIVATE],
  ['https://instance-data', PRIVATE],
  ['https://metadata.google.internal', PRIVATE],
  ['https://printer.local', PRIVATE],
  ['https://router.home', PRIVATE],
  ['https://nas.lan', PRIVATE],
  ['https://wiki.corp', PRIVATE],
  ['https://wiki.intranet', PRIVATE],
  ['https://a.home.arpa', PRIVATE],
  ['https://10.in-addr.arpa', PRIVATE],
  ['https://kubernetes.default.svc', PRIVATE],
  ['https://kubernetes.default.svc.cluster.local', PRIVATE],
  ['https://a.test', PRIVATE],
  ['https://a.invalid', PRIVATE],
  ['https://a.onion', PRIVATE],
  ['https://localhost.', FORM],
  ['https://metadata.google.internal.', FORM],
  // Itself.
  ['https://edge.example.com', "edge's own hosts"],
  ['https://EDGE.example.com/x', "edge's own hosts"],
  ['https://edge.example.com:8443', "edge's own hosts"],
  ['https://edge.example.com.', FORM],
  // What parsers disagree about.
  ['https://good.example.com@evil.example.com', FORM],
  ['https://good.example.com:pass@evil.example.com', FORM],
  ['https://evil.example.com\\@good.example.com', FORM],
  ['https://evil.example.com\\.good.example.com', FORM],
  ['https://good.example.com#@evil.example.com', FORM],
  ['https://good.example.com?@evil.example.com', FORM],
  ['https://ex%61mple.com', FORM],
  ['https://example.com%00.evil.com', FORM],
  ['https://example.com%2f@evil.com', FORM],
  ['https://example。com', FORM],
  ['https://ⓔxample.com', FORM],
  ['https://rеceiver.example.com', FORM],
  ['https:evil.example.com', FORM],
  ['https:/evil.example.com', FORM],
  ['https:///evil.example.com', FORM],
  ['https:\\\\evil.example.com', FORM],
  ['//evil.example.com', FORM],
  [' https://evil.example.com', FORM],
  ['https://evil.example.com\n', FORM],
  ['https://evil.example.com\r\nhost: x', FORM],
  ['https://evil.example.com/\t', FORM],
  ['https://evil.example.com:', FORM],
  ['https://evil.example.com:080', FORM],
  ['https://evil.example.com:0', FORM],
  ['https://evil.example.com:99999', 'port from 1'],
  ['https://evil.example.com:1e3', FORM],
  ['https://a..example.com', 'well-formed labels'],
  ['https://-a.example.com', FORM],
  [`https://${'a'.repeat(64)}.com`, 'well-formed labels'],
  ['https://xn--.com', 'well-formed labels'],
  // Paths that are other paths, and other schemes.
  ['https://a.example.com/../b', 'dot segments'],
  ['https://a.example.com/%2e%2E/b', 'dot segments'],
  ['https://a.example.com/.', 'dot segments'],
  ['https://a.example.com/?q', FORM],
  ['https://a.example.com/#f', FORM],
  ['https://a.example.com/ b', FORM],
  ['HTTPS://a.example.com', FORM],
  ['ws://a.example.com', FORM],
  ['file:///etc/passwd', FORM],
  ['javascript:alert(1)', FORM],
  ['data:text/plain,x', FORM],
  ['gopher://a.example.com', FORM],
  [`https://a.example.com/${'a'.repeat(3_000)}`, FORM],
]

const TAKEN = [
  'https://a.example.com',
  'http://a.example.com:8080/base/',
  'https://a_b.example.com',
  'https://xn--bcher-kva.example',
  'https://a.example.com/a//b/;v=1/%252e%252e/',
  'https://1e3.com',
]

describe('an origin', () => {
  it.each(REFUSED)('may not be %j', (url, sentence) => {
    expect(originProblem(url, RULES)).toContain(sentence)
  })

  it.each(TAKEN)('may be %s, which the URL standard reads as it is written', (url) => {
    expect(originProblem(url, RULES)).toBeNull()
    const { protocol, hostname, port, pathname, username, search, hash } = new URL(url)
    const [, scheme, host, given = '', path = ''] = /^(https?:)\/\/([^:/]+)(?::(\d+))?(.*)$/.exec(url)!
    expect([protocol, hostname, port, pathname]).toEqual([scheme, host, given, path || '/'])
    expect([username, search, hash]).toEqual(['', '', ''])
  })

  it.each([null, 7, {}, [], true, ''])('may not be %j', (value) => {
    expect(originProblem(value, RULES)).toContain(FORM)
  })
})
