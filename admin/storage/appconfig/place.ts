/** Finds application, environment and profile by name or id. Throws `StoreFailure` where there is none, or several. */
import {
  type AppConfigClient,
  ListApplicationsCommand,
  ListConfigurationProfilesCommand,
  ListEnvironmentsCommand,
} from '@aws-sdk/client-appconfig'
import type { Calls } from '../aws/calls.ts'
import { StoreFailure } from '../store.ts'
import type { Format } from './format.ts'

export interface Place {
  readonly applicationId: string
  readonly environmentId: string
  readonly profileId: string
  readonly profileName: string
  readonly format: Format
}

export interface Names {
  readonly application: string
  readonly environment: string
  readonly profile: string
}

/** The most that AWS gives at once. */
const PAGE = 50

interface Item {
  readonly Id?: string | undefined
  readonly Name?: string | undefined
}

type Page<T> = (
  token: { NextToken?: string },
  abortSignal: AbortSignal,
) => Promise<{
  Items?: T[] | undefined
  NextToken?: string | undefined
}>

export async function findPlace(
  client: AppConfigClient,
  calls: Calls,
  names: Names,
  formats: Readonly<Record<string, Format>>,
): Promise<Place> {
  const application = await find(
    calls,
    'application',
    names.application,
    'appconfig:ListApplications',
    (token, abortSignal) =>
      client.send(new ListApplicationsCommand({ MaxResults: PAGE, ...token }), { abortSignal }),
  )
  const within = { ApplicationId: application.Id!, MaxResults: PAGE }
  const environment = await find(
    calls,
    'environment',
    names.environment,
    'appconfig:ListEnvironments',
    (token, abortSignal) =>
      client.send(new ListEnvironmentsCommand({ ...within, ...token }), { abortSignal }),
  )
  const profile = await find(
    calls,
    'configuration profile',
    names.profile,
    'appconfig:ListConfigurationProfiles',
    (token, abortSignal) =>
      client.send(new ListConfigurationProfilesCommand({ ...within, ...token }), { abortSignal }),
  )
  const { Type = 'AWS.Freeform', LocationUri = 'hosted' } = profile
  const format = Object.hasOwn(formats, Type) ? formats[Type] : undefined
  if (format === undefined)
    throw denied(
      `configuration profile ${names.profile}${namedBy('configuration profile')} is of type ${Type}; Turnout reads ${Object.keys(formats).join(' and ')}`,
    )
  if (LocationUri !== 'hosted')
    throw denied(
      `configuration profile ${names.profile}${namedBy('configuration profile')} keeps its content in ${LocationUri}; it must be hosted by AppConfig`,
    )
  return {
    applicationId: application.Id!,
    environmentId: environment.Id!,
    profileId: profile.Id!,
    profileName: profile.Name ?? names.profile,
    format,
  }
}

/** The one of that id, or else of that name; names need not be unique. */
async function find<T extends Item>(
  calls: Calls,
  what: string,
  wanted: string,
  action: string,
  page: Page<T>,
): Promise<T> {
  const items: T[] = []
  let token: string | undefined
  do {
    const { Items = [], NextToken } = await calls.run(action, (abortSignal) =>
      page(token === undefined ? {} : { NextToken: token }, abortSignal),
    )
    items.push(...Items)
    token = NextToken
  } while (token !== undefined)
  const byId = items.filter(({ Id }) => Id === wanted)
  const [found, another] = byId.length > 0 ? byId : items.filter(({ Name }) => Name === wanted)
  if (found === undefined) {
    const names = items.map(({ Name }) => Name).join(', ')
    throw denied(
      `AppConfig has no ${what} ${JSON.stringify(wanted)}${namedBy(what)}; there is ${names || 'none at all'}`,
    )
  }
  if (another !== undefined)
    throw denied(
      `AppConfig has several of ${what} ${JSON.stringify(wanted)}${namedBy(what)}: give the id of one`,
    )
  return found
}

const SETTINGS: Readonly<Record<string, string>> = {
  application: 'APPCONFIG_APPLICATION',
  'configuration profile': 'APPCONFIG_PROFILE',
}

/** Which setting to change; an environment has the name that it has in Turnout. */
const namedBy = (what: string): string => (SETTINGS[what] === undefined ? '' : ` (${SETTINGS[what]})`)

const denied = (detail: string): StoreFailure => new StoreFailure({ reason: 'denied', detail })
