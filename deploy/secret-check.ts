/** Which secrets are there, which are missing, and which are made up now. The account never tells a value. */
import type { Account } from './account.ts'
import type { Target } from './file.ts'
import type { Plan } from './plan.ts'
import { type Refusal, refuseIfAny } from './refusal.ts'
import { advisedOf, missing, SECRETS, type Secret, secretsOf, unset } from './secrets.ts'

/** One Worker's, as a deployment finds them. */
export interface SecretsOfWorker {
  /** The Worker does not exist yet. */
  readonly isNew: boolean
  /** To be set with the deployment. */
  readonly generated: Readonly<Record<string, string>>
  /** What is not there, as no secret for it is: a sentence each. */
  readonly without: readonly string[]
}

export interface Secrets {
  readonly controlPlane: SecretsOfWorker
  readonly edge: SecretsOfWorker
}

/** Throws `Refused` with every secret that is missing and is not to be generated. */
export async function checkSecrets(plan: Plan, generate: boolean, account: Account): Promise<Secrets> {
  const { file, edge, paths } = plan
  const controlPlane = await look('admin', file.controlPlane, paths.controlPlane, generate, account)
  const ofEdge = await look('edge', edge, paths.edge, generate, account)
  refuseIfAny([...controlPlane.refusals, ...ofEdge.refusals])
  return { controlPlane, edge: ofEdge }
}

async function look(
  worker: Secret['worker'],
  { name, vars }: Target,
  config: string,
  generate: boolean,
  account: Account,
): Promise<SecretsOfWorker & { refusals: Refusal[] }> {
  const set = await account.secrets(name, config)
  const absent = [...secretsOf(worker, vars), ...advisedOf(worker)].filter(({ name }) => !set?.includes(name))
  const generated: Record<string, string> = {}
  const refusals = set?.includes('LOCAL') ? [localSecret(name)] : []
  const without: string[] = []
  for (const secret of absent)
    if (generate && secret.generate !== null) generated[secret.name] = secret.generate()
    else if (secret.without !== undefined) without.push(unset(secret, name))
    else refusals.push(missing(secret, name))
  return { isNew: set === null, generated, without, refusals }
}

const localSecret = (worker: string): Refusal => ({
  problem: `${worker} has a secret LOCAL, which opens a Worker to the whole world`,
  next: `npx wrangler secret delete LOCAL --name ${worker}`,
})

/** The generated secrets that people need, and what is not there without others, as lines to read. */
export function showSecrets({ controlPlane, edge }: Secrets): string {
  const shown = SECRETS.flatMap(({ worker, name, shown }) => {
    const value = (worker === 'admin' ? controlPlane : edge).generated[name]
    return shown && value !== undefined ? [`${name}, generated, shown this once: ${value}`] : []
  })
  return [...shown, ...controlPlane.without, ...edge.without].map((line) => `\n  ${line}\n`).join('')
}
