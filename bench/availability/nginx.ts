/** nginx as a plain weighted proxy: `split_clients` by the visitor's id, and the same time limits as the edge. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'

/** As `nginx version: …` tells it; `null`: it is not installed. */
export function nginxVersion(): string | null {
  const { error, stderr } = spawnSync('nginx', ['-v'], { encoding: 'utf8' })
  return error === undefined ? (/nginx\/([\d.]+)/.exec(stderr)?.[1] ?? 'of unknown version') : null
}

export interface NginxOptions {
  readonly folder: string
  readonly stable: string
  readonly canary: string
  readonly canaryPercent: number
  readonly visitorHeader: string
  readonly timeoutMs: number
}

export interface Nginx {
  readonly port: number
  stop(): Promise<void>
}

/** In the foreground, as one worker process. Throws what it says if it does not start. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const port = await freePort()
  const folder = join(options.folder, 'nginx')
  mkdirSync(folder)
  const configFile = join(folder, 'nginx.conf')
  writeFileSync(configFile, configText(options, folder, port))
  const child = spawn('nginx', ['-p', folder, '-c', configFile, '-e', join(folder, 'error.log')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  const ended = once(child, 'close')
  await Promise.race([listening(port), ended.then(() => Promise.reject(new Error(`[bench] nginx: ${said}`)))])
  return {
    port,
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function configText(
  { stable, canary, canaryPercent, visitorHeader, timeoutMs }: NginxOptions,
  folder: string,
  port: number,
): string {
  const variable = `$http_${visitorHeader.replaceAll('-', '_')}`
  const host = (url: string) => new URL(url).host
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join('\n  ')
  return `daemon off;
master_process off;
pid ${join(folder, 'nginx.pid')};
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary}
  upstream stable { server ${host(stable)} max_fails=0; keepalive 64; }
  upstream canary { server ${host(canary)} max_fails=0; keepalive 64; }
  split_clients "${variable}" $arm { ${canaryPercent}% canary; * stable; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://$arm;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout ${timeoutMs}ms;
      proxy_read_timeout ${timeoutMs}ms;
    }
  }
}
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Resolves when somebody takes connections. */
async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const connected = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
    ])
    socket.destroy()
    if (connected) return
    await new Promise((done) => setTimeout(done, 20))
  }
}
