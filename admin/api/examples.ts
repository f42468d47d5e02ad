/** One story for all examples of the OpenAPI page: the environment `dev` at version 12, and the flag `new-feature`. */

const at = '2026-11-21T10:00:00.000Z'
const reason = 'errors above 1 % since 10:02'

const LISTED_ENVIRONMENT = {
  name: 'dev',
  open: false,
  edgeHosts: ['www.example.com'],
  tier: 1,
  promotesTo: null,
  approvals: 1,
  drillEveryMinutes: 1440,
  revision: 1,
  createdAt: at,
}

const KEY = {
  id: 'key_0123456789abcdef',
  environment: 'dev',
  kind: 'server' as const,
  name: 'checkout service',
  createdAt: at,
}

const SCOPE = { role: 'editor' as const, projects: null, environments: ['dev'] }

const TOKEN = {
  id: 'tok_0123456789abcdef',
  name: 'ci',
  ...SCOPE,
  createdAt: at,
  createdBy: 'bootstrap',
  expiresAt: '2099-01-01T00:00:00.000Z',
  revokedAt: null,
  lastUsedAt: at,
}

const HEAD = '9f2c1d7a64b05e8f3c7d21a9b6e4f0582d9c3b7a1e6f4850c2d8b3a7f9e1c604'

const WEBHOOK = {
  id: 'wh_0123456789abcdef',
  name: 'on-call channel',
  format: 'slack' as const,
  host: 'hooks.slack.com',
  events: ['kill.*'],
  environments: ['media-register.prod'],
  enabled: true,
  disabledReason: null,
  failing: false,
  pausedUntil: null,
  pending: 0,
  dead: 1,
  previousSecretUntil: null,
  createdAt: at,
  createdBy: 'ana@example.com',
}

const ATTEMPT = { at, durationMs: 84, status: 503, problem: 'answered 503', answer: 'upstream is down' }

const APPROVAL = {
  id: 'dev:12',
  environment: 'dev',
  status: 'pending' as const,
  action: 'flag.updated',
  subject: 'flag:new-feature',
  actor: 'token:ci',
  reason: 'stage two',
  raising: ['flag new-feature: percentage of rule r1 rises from 5 to 10'],
  needed: 1,
  votes: [],
  createdAt: at,
  expiresAt: '2026-11-28T10:00:00.000Z',
  decidedAt: null,
  decidedBy: null,
  note: null,
  version: null,
}

const DIFFERENCES = {
  differences: [
    {
      kind: 'flag' as const,
      key: 'new-feature',
      change: 'changed' as const,
      patch: [
        { op: 'test', path: '/percentage', value: 5 },
        { op: 'replace', path: '/percentage', value: 10 },
      ],
    },
  ],
  same: 41,
  reordered: false,
}

const PREVIEW = {
  id: 'pv_0123456789abcdef',
  route: 'web',
  flag: null,
  variant: 'on',
  host: 'www.example.com',
  createdAt: at,
  createdBy: 'token:ci',
  reason: 'smoke test of release 12',
  expiresAt: '2026-11-21T11:00:00.000Z',
  revokedAt: null,
}

const PREVIEW_TOKEN =
  'eyJhbGciOiJFZERTQSIsInR5cCI6InR1cm5vdXQtcHJldmlldyIsImtpZCI6InBrXzAxIn0.eyJyb3V0ZSI6IndlYiJ9.c2lnbmF0dXJl'

export const EXAMPLES = {
  approval: APPROVAL,
  preview: PREVIEW,
  createdPreview: {
    ...PREVIEW,
    token: PREVIEW_TOKEN,
    url: `https://www.example.com/?turnout-preview=${PREVIEW_TOKEN}`,
    cookie: `__Host-turnout-preview=${PREVIEW_TOKEN}`,
  },
  fullApproval: {
    ...APPROVAL,
    change: {
      do: 'edit',
      edit: { do: 'patch', kind: 'flag', key: 'new-feature', text: '{"percentage":10}' },
    },
    actorRevokedAt: null,
    now: { ...DIFFERENCES, problem: null },
  },
  schedule: {
    id: 'dev:12',
    environment: 'dev',
    status: 'waiting' as const,
    at: '2099-01-01T09:00:00.000Z',
    until: '2099-01-01T17:00:00.000Z',
    flags: { 'new-feature': { percentage: 50 } },
    actor: 'token:ci',
    reason: 'launch day',
    approval: null,
    createdAt: at,
    version: null,
    revertedVersion: null,
    problem: null,
  },
  window: {
    id: 'dev:1',
    environment: 'dev',
    days: ['mon' as const, 'tue' as const, 'wed' as const, 'thu' as const],
    from: '09:00',
    to: '16:00',
    timeZone: 'Europe/Berlin',
    reason: 'while somebody is on call',
  },
  freeze: {
    id: 'dev:1',
    environment: 'dev',
    from: at,
    to: '2099-01-02T00:00:00.000Z',
    reason: 'end-of-year freeze',
    actor: 'ana@example.com',
  },
  review: {
    seq: 12,
    openedAt: at,
    action: 'kill.placed',
    subject: 'kill:all-flags',
    actor: 'token:on-call',
    reason,
    closedAt: null,
    closedBy: null,
    note: null,
  },
  comparison: DIFFERENCES,
  copy: {
    ...DIFFERENCES,
    ...{ from: 'embedded dev', to: 'ssm /turnout/dev in eu-west-1', dryRun: true },
    ...{ written: false, identical: false },
  },
  promotion: {
    from: 'dev',
    fromVersion: 12,
    to: 'staging',
    dryRun: true,
    version: 7,
    ...DIFFERENCES,
    segments: ['beta-testers'],
    kept: ['flag new-feature: allowlist'],
    raising: ['flag new-feature: percentage of rule r1 rises from 5 to 10'],
    warnings: [],
  },
  issue: { path: '$.flags.beta.percentage', message: 'must be a number from 0 to 100, got 101' },
  requestId: '0b7e0d6e-5f0c-4a7e-9d52-1f0f3a1c2b3d',
  listedEnvironment: LISTED_ENVIRONMENT,
  environment: {
    ...LISTED_ENVIRONMENT,
    ...{ epoch: 1795255200, version: 12, killsVersion: 3 },
    store: {
      ...{ kind: 'ssm' as const, place: 'ssm /turnout/dev in eu-west-1', status: 'degraded' as const },
      problem: '$.flags.checkout is not JSON in flags/checkout, line 1, column 9: expected a value',
      errors: [
        {
          path: '$.flags.checkout',
          message: 'is not JSON in flags/checkout, line 1, column 9: expected a value',
        },
      ],
      warnings: [],
      ...{ since: at, checkedAt: at, okAt: at },
    },
  },
  published: { version: 12, warnings: [] },
  patchedFlags: {
    version: 12,
    warnings: [],
    items: [{ key: 'new-feature', version: 12, flag: { enabled: true, percentage: 75 } }],
  },
  flagPatches: { 'new-feature': { percentage: 75 }, 'old-feature': null },
  validation: {
    valid: false,
    errors: [{ path: '$.flags.beta.percentage', message: 'must be a number from 0 to 100, got 101' }],
    warnings: [],
  },
  explanation: {
    decision: {
      flag: 'new-feature',
      variant: 'on',
      value: true,
      reason: 'TARGETING_MATCH',
      rule: 'allowlist',
      errorCode: null,
      metadata: {},
      version: 12,
      killVersion: 3,
    },
    steps: [
      { step: 'kill', decided: false, detail: 'no kill in list 3' },
      { step: 'enabled', decided: false, detail: 'flag is enabled' },
      { step: 'rule', rule: 'allowlist', decided: true, detail: 'rule matched' },
    ],
  },
  kill: {
    target: 'flag:new-feature',
    reason,
    actor: 'token:ci',
    createdAt: at,
    expiresAt: '2099-01-01T00:00:00.000Z',
    onExpiry: 'restore' as const,
  },
  version: {
    version: 12,
    epoch: 1795255200,
    createdAt: at,
    actor: 'token:ci',
    reason,
    changeCount: 1,
    changes: [{ kind: 'flag' as const, key: 'new-feature', change: 'changed' as const }],
    labels: ['release-12'],
  },
  token: TOKEN,
  createdToken: { ...TOKEN, token: 'tn_yq7rV0n3cXo2mJ5uWl8aT1kZ4sP6dE9fGhBiNvQwRtY' },
  person: {
    id: 'ana@example.com',
    ...SCOPE,
    createdAt: at,
    createdBy: 'bootstrap',
    lastUsedAt: at,
  },
  principal: { id: 'token:ci', ...SCOPE },
  auditEntry: {
    seq: 12,
    at,
    environment: 'dev',
    action: 'flag.updated',
    subject: 'flag:new-feature',
    actor: 'token:ci',
    reason,
    requestId: '0b7e0d6e-5f0c-4a7e-9d52-1f0f3a1c2b3d',
    address: '203.0.113.7',
    version: 12,
    kills: null,
    changes: [
      {
        subject: 'flag:new-feature',
        patch: [
          { op: 'test', path: '/percentage', value: 50 },
          { op: 'replace', path: '/percentage', value: 75 },
        ],
      },
    ],
    changeCount: 1,
    details: {},
    previousHash: '4b1f6c0e9a7d3285f0e6c1b94d7a2f8350c9e6b1d4f7a02835e9c6b1f4d7a0c2',
    hash: HEAD,
  },
  verification: {
    valid: true,
    entries: 12,
    chains: [{ environment: 'dev', valid: true, entries: 12, head: HEAD }],
  },
  restoration: {
    dryRun: false,
    madeAt: at,
    release: null,
    sha256: HEAD,
    objects: [
      {
        object: 'environment:dev',
        outcome: 'restored' as const,
        log: { imported: 12, carriedOver: 0 },
        ...{ epoch: 1795257600, version: 13, killsVersion: 4, history: 'of-backup' as const },
        ...{ recovered: ['flag:new-feature'], over: [], notRun: ['dev:3'], revoked: [], warnings: [] },
      },
    ],
  },
  key: KEY,
  createdKey: { ...KEY, key: 'tk_server_yq7rV0n3cXo2mJ5uWl8aT1kZ4sP6dE9fGhBiNvQwRtY' },
  webhook: WEBHOOK,
  webhookWithSecret: {
    ...WEBHOOK,
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=',
  },
  attempt: ATTEMPT,
  delivery: {
    id: 1204,
    status: 'dead' as const,
    event: {
      id: 'evt_4b1f6c0e9a7d3285f0e6c1b94d7a2f83',
      environment: 'media-register.prod',
      seq: 12,
      action: 'kill.placed',
      subject: 'kill:flag:new-feature',
      at,
    },
    attempts: 31,
    lastAttempts: [ATTEMPT],
    problem: 'answered 503',
    nextAttemptAt: null,
    createdAt: at,
    endedAt: '2026-11-22T10:00:00.000Z',
  },
}
