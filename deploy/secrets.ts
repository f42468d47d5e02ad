/** The secrets that each Worker needs before it is deployed. Values never pass through here, but for generated ones. */
import { randomBytes } from 'node:crypto'
import type { Refusal } from './refusal.ts'

export interface Secret {
  readonly worker: 'admin' | 'edge'
  readonly name: string
  readonly purpose: string
  /** `null`: nobody but the operator can know it. */
  readonly generate: (() => string) | null
  /** People need it too: a generated one is shown, once. */
  readonly shown?: true
  /** The Worker does without it: a deployment does not ask for it. */
  readonly optional?: true
  /** Of an optional one that belongs to a whole deployment all the same: what is not there without it. */
  readonly without?: string
  /** Settings of its Worker under which it is needed; default: always. */
  readonly when?: (vars: Readonly<Record<string, string>>) => boolean
}

const random = (): string => randomBytes(32).toString('base64url')
const storeIsInAws = ({ STORE }: Readonly<Record<string, string>>) =>
  STORE !== undefined && STORE !== 'embedded'

export const SECRETS: readonly Secret[] = [
  {
    worker: 'admin',
    name: 'ADMIN_BOOTSTRAP_TOKEN',
    purpose: 'opens the admin API',
    generate: () => `tn_${random()}`,
    shown: true,
  },
  {
    worker: 'admin',
    name: 'METRICS_TOKEN',
    purpose: 'opens metrics and detailed health',
    generate: null,
    optional: true,
  },
  {
    worker: 'admin',
    name: 'AWS_ACCESS_KEY_ID',
    purpose: 'reads and writes the store in AWS',
    generate: null,
    when: storeIsInAws,
  },
  {
    worker: 'admin',
    name: 'AWS_SECRET_ACCESS_KEY',
    purpose: 'reads and writes the store in AWS',
    generate: null,
    when: storeIsInAws,
  },
  {
    worker: 'admin',
    name: 'AWS_SESSION_TOKEN',
    purpose: 'belongs to temporary AWS credentials',
    generate: null,
    optional: true,
  },
  {
    worker: 'admin',
    name: 'AWS_HOOK_SECRET',
    purpose: 'lets AWS say that something has changed',
    generate: null,
    optional: true,
  },
  {
    worker: 'edge',
    name: 'COOKIE_KEY',
    purpose: "signs the visitors' cookie",
    generate: random,
    // Changing it without new ids for everybody needs the old one.
    shown: true,
  },
  {
    worker: 'edge',
    name: 'COOKIE_KEY_ACCEPTED',
    purpose: 'is accepted too while COOKIE_KEY is changed',
    generate: null,
    optional: true,
  },
  {
    worker: 'edge',
    name: 'SIGNING_KEY',
    purpose: 'signs what origins with "context": true are told',
    generate: random,
    // Applications are given keys that are worked out from it.
    shown: true,
    optional: true,
    without: 'origins with "context": true are told nothing that is signed',
  },
]

/** Those that a Worker with these settings needs. */
export const secretsOf = (worker: Secret['worker'], vars: Readonly<Record<string, string>>): Secret[] =>
  SECRETS.filter(
    (secret) => secret.worker === worker && secret.optional !== true && (secret.when?.(vars) ?? true),
  )

/** Those that it starts without, but that are looked for: named, made up with the others, and missed aloud. */
export const advisedOf = (worker: Secret['worker']): Secret[] =>
  SECRETS.filter((secret) => secret.worker === worker && secret.without !== undefined)

/** What is not there without an optional secret, and how to set it. */
export const unset = (secret: Secret, worker: string): string =>
  `${worker} has no secret ${secret.name}, so ${secret.without}; if that is wanted: ${missing(secret, worker).next}`

/** How to set one. wrangler creates a Worker that does not exist yet. */
export function missing({ name, purpose, generate, shown }: Secret, worker: string): Refusal {
  const put = `npx wrangler secret put ${name} --name ${worker}`
  const made = shown
    ? `openssl rand -hex 32    (keep what it prints), then ${put}`
    : `openssl rand -hex 32 | ${put}`
  return {
    problem: `${worker} has no secret ${name}, which ${purpose}`,
    next: generate === null ? put : `${made}; or deploy with --generate-secrets`,
  }
}
