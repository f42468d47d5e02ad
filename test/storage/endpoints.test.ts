/** Where the control plane may be told that AWS is: its calls carry signatures, and go where this says. */
import { describe, expect, it } from 'vitest'
import { parseStoreConfig } from '../../admin/config/store-config.ts'

const config = (more: Record<string, string>) =>
  parseStoreConfig({
    ...{ STORE: 'ssm', AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 's' },
    ...more,
  })

describe('an address of AWS', () => {
  it.each([
    'ftp://aws.example.com',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'aws.example.com',
    '//aws.example.com',
    'https://user:password@aws.example.com',
    'https://aws.example.com@evil.example.com',
    'https://aws.example.com/?x=1',
    'https://aws.example.com/#x',
    'https://',
  ])('may not be %s', (url) => {
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_SSM', 'AWS_ENDPOINT_URL_STS'])
      expect(() => config({ [name]: url }), name).toThrow(`${name} must be an http or https URL`)
  })

  it.each(['eu-west-1.evil.example.com/', 'eu-west-1@evil', 'EU-WEST-1', 'eu west 1', '../eu-west-1'])(
    'is not made of the region %s',
    (region) => {
      expect(() => config({ AWS_REGION: region })).toThrow('AWS_REGION must be a region')
    },
  )

  it('may be that of an emulator on this machine, or of a private endpoint: whoever deploys says so', () => {
    expect(config({ AWS_ENDPOINT_URL: 'http://127.0.0.1:4566/' }).aws?.endpoints.ssm).toBe(
      'http://127.0.0.1:4566',
    )
  })
})
