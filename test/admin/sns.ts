/** SNS as a topic's subscriber meets it: messages signed with a key whose certificate, made here, lies at an address of SNS. */

export const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:flags'
export const CERTIFICATE_URL =
  'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem'

export interface Signer {
  readonly pem: string
  /** Base64. `version` of the signature: 1 is SHA-1, 2 is SHA-256. */
  sign(text: string, version: '1' | '2'): Promise<string>
}

const encoder = new TextEncoder()
const RSA = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }

export async function makeSigner(): Promise<Signer> {
  const { publicKey, privateKey } = (await crypto.subtle.generateKey({ ...RSA, hash: 'SHA-256' }, true, [
    'sign',
    'verify',
  ])) as CryptoKeyPair
  const spki = new Uint8Array((await crypto.subtle.exportKey('spki', publicKey)) as ArrayBuffer)
  const pkcs8 = (await crypto.subtle.exportKey('pkcs8', privateKey)) as ArrayBuffer
  const sign = async (text: Uint8Array, hash: string) => {
    const algorithm = { name: RSA.name, hash }
    const key = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign(algorithm, key, text as Bytes))
  }
  const body = certificateBody(spki)
  const certificate = sequence(body, SHA256_WITH_RSA, bits(await sign(body, 'SHA-256')))
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${base64(certificate)}\n-----END CERTIFICATE-----\n`,
    sign: async (text, version) =>
      base64(await sign(encoder.encode(text), version === '1' ? 'SHA-1' : 'SHA-256')),
  }
}

export type Fields = Record<string, string>

/** As SNS signs: name and value of each field, by name, each in a line. */
export async function signed(signer: Signer, fields: Fields, version: '1' | '2' = '2'): Promise<Fields> {
  const text = Object.entries(fields)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}\n${value}\n`)
    .join('')
  return {
    ...fields,
    ...{
      SignatureVersion: version,
      Signature: await signer.sign(text, version),
      SigningCertURL: CERTIFICATE_URL,
    },
  }
}

// X.509 (RFC 5280 §4.1), as little of it as there must be, in DER.

type Bytes = Uint8Array<ArrayBuffer>

function tagged(tag: number, ...parts: Uint8Array[]): Bytes {
  const content = parts.reduce((sum, part) => sum + part.length, 0)
  const length =
    content < 128 ? [content] : content < 256 ? [0x81, content] : [0x82, content >> 8, content & 255]
  return Uint8Array.from([tag, ...length, ...parts.flatMap((part) => [...part])])
}

const sequence = (...parts: Uint8Array[]): Bytes => tagged(0x30, ...parts)
const bits = (bytes: Uint8Array): Bytes => tagged(0x03, Uint8Array.of(0), bytes)
const integer = (value: number): Bytes => tagged(0x02, Uint8Array.of(value))
const time = (text: string): Bytes => tagged(0x17, encoder.encode(text))
const SHA256_WITH_RSA = sequence(
  tagged(0x06, Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b)),
  tagged(0x05),
)
const COMMON_NAME = tagged(0x06, Uint8Array.of(0x55, 0x04, 0x03))
const NAME = sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, encoder.encode('sns.amazonaws.com')))))

const certificateBody = (spki: Uint8Array): Bytes =>
  sequence(
    ...[tagged(0xa0, integer(2)), integer(1), SHA256_WITH_RSA, NAME],
    ...[sequence(time('260101000000Z'), time('360101000000Z')), NAME, spki],
  )

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
