/** What a local run says when everything answers. Pure. */
import { ENVIRONMENT } from './seed.ts'
import type { System } from './system.ts'

/** The flag that the commands check, flip and kill; it also decides the route below /conduit. */
const FLAG = 'CONDUIT_USE_REPOSITORY_PATTERN'

/** Addresses, token, state folder, and three commands that work as they stand. `note` is a further sentence. */
export function banner(system: Omit<System, 'stop' | 'ended'>, note: string): string {
  const { edgeUrl, adminUrl, origins, adminToken } = system
  const api = `${adminUrl}/api/v1/environments/${ENVIRONMENT}`
  const json = `-H 'content-type: application/json'`
  const token = `-H 'authorization: Bearer ${adminToken}'`
  return `
Turnout runs; Ctrl-C ends it.${note}${NOTES[system.seeded]}

  edge           ${edgeUrl}
  control plane  ${adminUrl}  (API at /api/v1)
  stable origin  ${origins.stable.url}
  canary origin  ${origins.canary.url}
  admin token    ${adminToken}
  state          ${system.stateDir}${system.flagsIn === null ? '' : `\n  flags          ${system.flagsIn}`}

Open ${edgeUrl}/conduit in a browser, run these, and reload after each:

  # check a flag (OFREP)
  curl -s ${json} -d '{"context":{"targetingKey":"user-1"}}' ${edgeUrl}/.turnout/ofrep/v1/evaluate/flags/${FLAG}

  # flip it: the page moves from the stable to the canary origin
  curl -s ${token} ${json} -d '{"enabled":true,"reason":"trying it"}' ${api}/flags/${FLAG}/toggle

  # kill it: back to stable, whatever the flag says; -X DELETE ends the kill
  curl -s -X PUT ${token} ${json} -d '{"reason":"trying it"}' ${api}/kills/flag:${FLAG}
`
}

const NOTES = {
  created: ` Environment ${ENVIRONMENT} is new, seeded from local/seed.json.`,
  kept: ` Environment ${ENVIRONMENT} is as you left it.`,
  damaged: ` The document of environment ${ENVIRONMENT} is damaged. Kills work; /health/ready says what is wrong, and a PUT of a whole document mends it.`,
  'origins-moved': ` Environment ${ENVIRONMENT} is as you left it, but its demo origins had to take other ports.`,
}
