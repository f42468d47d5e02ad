/** Flags from an AppConfig profile, freeform or of feature flags: its newest hosted version, or the one that is asked for. */
import {
  AppConfigClient,
  type ConfigurationProfileSummary,
  GetHostedConfigurationVersionCommand,
  paginateListApplications,
  paginateListConfigurationProfiles,
  paginateListHostedConfigurationVersions,
} from '@aws-sdk/client-appconfig'
import { Failure } from '../../failure.ts'
import { calling, clientSettings } from '../aws.ts'
import { readFlags } from './document.ts'
import { readFeatureFlags } from './feature-flags.ts'
import type { Source } from './source.ts'

const FREEFORM = 'AWS.Freeform'
const FEATURE_FLAGS = 'AWS.AppConfig.FeatureFlags'

/** The most that AWS gives at once. */
const PAGE_SIZE = 50

export interface AppConfigOptions {
  /** Name or id. */
  readonly application: string
  /** Name or id. */
  readonly profile: string
  /** Absent: the newest. */
  readonly version: number | undefined
  readonly region: string | undefined
  /** Context values in rules of feature flags that are the targeting key. */
  readonly targetingKeys: readonly string[]
}

export const appConfigSource =
  (options: AppConfigOptions): Source =>
  async ({ env }) => {
    const client = new AppConfigClient(clientSettings(options.region, env))
    try {
      const region = await calling('appconfig:ListApplications', () => client.config.region())
      const application = await findApplication(client, options.application, region)
      const profile = await findProfile(client, application.id, options)
      const version = options.version ?? (await newestVersion(client, application.id, profile.id, options))
      const content = await readVersion(client, application.id, profile.id, version, options)
      const which = options.version === undefined ? `newest version, ${version},` : `version ${version}`
      const name = `AppConfig profile ${profile.name} of ${application.name}`
      const origin = `${which} of ${name} (${region})`
      return profile.type === FEATURE_FLAGS
        ? readFeatureFlags(content, origin, options.targetingKeys)
        : readFlags(content, origin)
    } finally {
      client.destroy()
    }
  }

interface Named {
  readonly id: string
  readonly name: string
}

async function findApplication(client: AppConfigClient, wanted: string, region: string): Promise<Named> {
  const all = await calling('appconfig:ListApplications', () =>
    collect(paginateListApplications({ client, pageSize: PAGE_SIZE }, {}), ({ Items = [] }) => Items),
  )
  return pick(all, wanted, 'AppConfig application', `in ${region}`)
}

async function findProfile(
  client: AppConfigClient,
  ApplicationId: string,
  { application, profile, targetingKeys }: AppConfigOptions,
): Promise<Named & { readonly type: string }> {
  const all = await calling('appconfig:ListConfigurationProfiles', () =>
    collect(
      paginateListConfigurationProfiles({ client, pageSize: PAGE_SIZE }, { ApplicationId }),
      ({ Items = [] }) => Items,
    ),
  )
  const found = pick(all, profile, 'configuration profile', `in application ${application}`)
  requireReadable(found)
  const { Type: type = FREEFORM } = found
  if (type !== FEATURE_FLAGS && targetingKeys.length > 0)
    throw new Failure(
      `--targeting-key is for rules of feature flags, and profile ${found.name} is of type ${type}`,
    )
  return { ...found, type }
}

function requireReadable({ name, Type = FREEFORM, LocationUri }: Named & ConfigurationProfileSummary): void {
  if (Type !== FREEFORM && Type !== FEATURE_FLAGS)
    throw new Failure(`profile ${name} is of type ${Type}; import reads ${FREEFORM} and ${FEATURE_FLAGS}`)
  if (LocationUri !== undefined && LocationUri !== 'hosted')
    throw new Failure(`profile ${name} keeps its content in ${LocationUri}; import reads hosted profiles`)
}

/** The one of that id, or else of that name; names need not be unique. */
function pick<T extends { Id?: string | undefined; Name?: string | undefined }>(
  all: readonly T[],
  wanted: string,
  what: string,
  where: string,
): T & Named {
  const byId = all.filter(({ Id }) => Id === wanted)
  const found = byId.length > 0 ? byId : all.filter(({ Name }) => Name === wanted)
  const [one] = found
  if (one === undefined) {
    const names = all.map(({ Name }) => Name).join(', ')
    throw new Failure(
      `there is no ${what} ${JSON.stringify(wanted)} ${where}; there is ${names || 'none at all'}`,
    )
  }
  if (found.length > 1) {
    const ids = found.map(({ Id }) => Id).join(', ')
    throw new Failure(
      `several ${what}s ${where} are named ${JSON.stringify(wanted)}: give one of their ids, ${ids}`,
    )
  }
  return { ...one, id: one.Id ?? '', name: one.Name ?? wanted }
}

async function newestVersion(
  client: AppConfigClient,
  ApplicationId: string,
  ConfigurationProfileId: string,
  { profile }: AppConfigOptions,
): Promise<number> {
  const pages = paginateListHostedConfigurationVersions(
    { client, pageSize: PAGE_SIZE },
    { ApplicationId, ConfigurationProfileId },
  )
  const versions = await calling('appconfig:ListHostedConfigurationVersions', () =>
    collect(pages, ({ Items = [] }) => Items.map(({ VersionNumber = 0 }) => VersionNumber)),
  )
  if (versions.length === 0) throw new Failure(`profile ${profile} has no hosted configuration version yet`)
  return Math.max(...versions)
}

async function readVersion(
  client: AppConfigClient,
  ApplicationId: string,
  ConfigurationProfileId: string,
  VersionNumber: number,
  { profile }: AppConfigOptions,
): Promise<Uint8Array> {
  const query = new GetHostedConfigurationVersionCommand({
    ApplicationId,
    ConfigurationProfileId,
    VersionNumber,
  })
  const { Content } = await calling('appconfig:GetHostedConfigurationVersion', async () => {
    try {
      return await client.send(query)
    } catch (error) {
      if ((error as Error).name !== 'ResourceNotFoundException') throw error
      throw new Failure(`profile ${profile} has no hosted configuration version ${VersionNumber}`)
    }
  })
  return Content ?? new Uint8Array()
}

async function collect<Page, Item>(
  pages: AsyncIterable<Page>,
  itemsOf: (page: Page) => Item[],
): Promise<Item[]> {
  const items: Item[] = []
  for await (const page of pages) items.push(...itemsOf(page))
  return items
}
