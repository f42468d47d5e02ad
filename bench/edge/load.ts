/**
 * Load on one address over 32 kept-alive connections, each request with the headers of a browser and the cookie of one of
 * many visitors: by wrk where that is installed, else by autocannon, whose latencies are whole milliseconds.
 */
import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { peer, peerVersion } from '../peers.ts'

const CONNECTIONS = 32

export interface Load {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface Generator {
  readonly title: string
  readonly cookies: readonly string[]
  /** Sends requests for so long. Throws if one fails, or is answered otherwise than by 2xx or 3xx. */
  run(port: number, seconds: number): Promise<Load>
}

/** What a browser sends, and what the platform adds; the cookie comes on top. */
const HEADERS: Readonly<Record<string, string>> = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-encoding': 'gzip, deflate, br, zstd',
  'accept-language': 'en-GB,en;q=0.9,de;q=0.8',
  'cache-control': 'max-age=0',
  'cf-connecting-ip': '203.0.113.7',
  'sec-ch-ua': '"Chromium";v="142", "Not A(Brand";v="24"',
  'sec-ch-ua-platform': '"Linux"',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'same-origin',
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36',
}

/** Headers of one visitor's request; with the cookie they are twelve. */
export const headersOf = (cookie: string): Record<string, string> => ({
  ...HEADERS,
  cookie: `theme=dark; ${cookie}; session=4b1f6c0a9d`,
})

/** `scriptFile`: where to write wrk's script. */
export function generator(target: string, cookies: readonly string[], scriptFile: string): Generator {
  return hasWrk() ? wrk(target, cookies, scriptFile) : autocannon(target, cookies)
}

const hasWrk = (): boolean => spawnSync('wrk', ['--version']).error === undefined

function wrk(target: string, cookies: readonly string[], scriptFile: string): Generator {
  const quoted = (text: string): string => JSON.stringify(text)
  const fixed = Object.entries(HEADERS).map(([name, value]) => `[${quoted(name)}] = ${quoted(value)}`)
  writeFileSync(
    scriptFile,
    `local cookies = { ${cookies.map((cookie) => quoted(headersOf(cookie).cookie!)).join(', ')} }
local requests = {}
local at = 0
function init()
  for index, cookie in ipairs(cookies) do
    requests[index] = wrk.format('GET', ${quoted(target)}, { ${fixed.join(', ')}, ['cookie'] = cookie })
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT %d %d %d %d %d\\n', summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`,
  )
  return {
    title: 'wrk',
    cookies,
    async run(port, seconds) {
      const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '-s', scriptFile, `http://127.0.0.1:${port}`]
      const { stdout } = await promisify(execFile)('wrk', args)
      const result = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout)
      if (result === null) throw new Error(`[bench] wrk said: ${stdout}`)
      const [requests, microseconds, p50, p99, errors] = result.slice(1).map(Number) as Five
      return loadOf({ requests, seconds: microseconds / 1e6, p50Ms: p50 / 1e3, p99Ms: p99 / 1e3, errors })
    },
  }
}

type Five = [number, number, number, number, number]

interface Client {
  setRequests(requests: readonly object[]): void
}

interface Result {
  requests: { total: number }
  duration: number
  latency: { p50: number; p99: number }
  errors: number
  non2xx: number
}

function autocannon(target: string, cookies: readonly string[]): Generator {
  const cannon = peer<(options: object) => Promise<Result>>('autocannon')
  const requests = cookies.map((cookie) => ({ method: 'GET', path: target, headers: headersOf(cookie) }))
  let connection = 0
  // Each connection begins with another visitor.
  const setupClient = (client: Client): void => {
    const first = (connection * 37) % requests.length
    connection += 1
    client.setRequests([...requests.slice(first), ...requests.slice(0, first)])
  }
  return {
    title: `autocannon ${peerVersion('autocannon')}`,
    cookies,
    async run(port, seconds) {
      const options = {
        url: `http://127.0.0.1:${port}`,
        connections: CONNECTIONS,
        duration: seconds,
        setupClient,
      }
      const { requests, duration, latency, errors, non2xx } = await cannon(options)
      return loadOf({
        requests: requests.total,
        seconds: duration,
        p50Ms: latency.p50,
        p99Ms: latency.p99,
        errors: errors + non2xx,
      })
    },
  }
}

function loadOf(found: {
  requests: number
  seconds: number
  p50Ms: number
  p99Ms: number
  errors: number
}): Load {
  const { requests, seconds, p50Ms, p99Ms, errors } = found
  if (errors > 0 || requests === 0) throw new Error(`[bench] ${errors} of ${requests} requests failed`)
  return { requests, perSecond: requests / seconds, p50Ms, p99Ms }
}
