/** A document as the OpenAPI page shows it, and its parts. The tests publish it. */

export const EXAMPLE_FLAG = {
  enabled: true,
  rules: [
    { id: 'testers', when: { attribute: 'targetingKey', op: 'in', value: ['user1', 'user2'] }, serve: 'on' },
    { id: 'canary', percentage: 10, serve: 'on' },
  ],
  fallthrough: 'off',
}

export const EXAMPLE_ROUTE = {
  id: 'web',
  match: { path: '/*' },
  flag: 'web-canary',
  origins: { off: { url: 'https://stable.example.com' }, on: { url: 'https://canary.example.com' } },
  fallback: 'off',
  overrides: { header: { 'x-canary': { true: 'on' } } },
}

export const EXAMPLE_SEGMENT = {
  include: ['user1'],
  when: { attribute: 'email', op: 'endsWith', value: '@example.com' },
}

export const EXAMPLE_DOCUMENT = {
  flags: {
    CONDUIT_USE_REPOSITORY_PATTERN: true,
    'new-feature': { enabled: true, percentage: 50, allowlist: ['user1', 'user2'] },
    'web-canary': EXAMPLE_FLAG,
  },
  segments: { 'beta-testers': EXAMPLE_SEGMENT },
  routes: [EXAMPLE_ROUTE],
}
