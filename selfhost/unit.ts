/** A systemd unit that runs the folder on a server, with no more rights than it needs. Pure. */
import type { SelfHostFile } from './file.ts'

/** Where the unit expects the folder, and the secrets. */
export const FOLDER = '/opt/turnout'
const SECRETS_FILE = '/etc/turnout/secrets.env'

export const systemdUnit = ({ stateDir, controlPlane, edges }: SelfHostFile): string =>
  `# Made by npm run selfhost. Docs: docs/operations.md, "On your own server".
[Unit]
Description=Turnout: feature flags and traffic splitting
Wants=network-online.target time-sync.target
After=network-online.target time-sync.target

[Service]
User=turnout
WorkingDirectory=${FOLDER}
# ADMIN_BOOTSTRAP_TOKEN and COOKIE_KEY, METRICS_TOKEN and SIGNING_KEY if you like: a line NAME=VALUE each.
EnvironmentFile=${SECRETS_FILE}
${removals([controlPlane, ...edges.values()].map(({ listen }) => listen))}ExecStart=${alone(stateDir)} ${FOLDER}/workerd serve ${FOLDER}/workerd.capnp config
${stateLines(stateDir)}
# For sockets such as unix:/run/turnout/edge.sock; the group is that of the proxy.
RuntimeDirectory=turnout
RuntimeDirectoryMode=0750
UMask=0007
Restart=always
RestartSec=1
# It waits for open connections, perhaps an event stream. What the API has acknowledged survives a kill.
TimeoutStopSec=10
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX

[Install]
WantedBy=multi-user.target
`

/** Two processes would write the same files, each by what it remembers of them. The lock ends with the process, however that ends. */
const alone = (stateDir: string): string =>
  `/usr/bin/flock --nonblock --no-fork --verbose ${stateDir}/storage`

/** The file of a Unix socket outlives a killed process, and the next one could not listen there. */
const removals = (addresses: readonly string[]): string =>
  addresses
    .filter((address) => address.startsWith('unix:'))
    .map((address) => `ExecStartPre=/bin/rm -f ${address.slice('unix:'.length)}\n`)
    .join('')

/** workerd makes no folders: systemd does, where it may. */
function stateLines(stateDir: string): string {
  const below = /^\/var\/lib\/(.+)$/.exec(stateDir)?.[1]
  if (below === undefined) return `ReadWritePaths=${stateDir}`
  return `StateDirectory=${below}/storage ${below}/last-known-good\nStateDirectoryMode=0700`
}
