/**
 * The text exposition format of Prometheus, version 0.0.4. Pure.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export interface Metric {
  /** `[a-zA-Z_:][a-zA-Z0-9_:]*`; counters end in `_total`. */
  readonly name: string
  readonly type: 'counter' | 'gauge'
  /** A sentence. */
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  /** Names `[a-zA-Z_][a-zA-Z0-9_]*`, values any text. */
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export const gauge = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  ...{ name, type: 'gauge', help, samples },
})

/** `name` ends in `_total`. */
export const counter = (name: string, help: string, samples: readonly Sample[]): Metric => ({
  ...{ name, type: 'counter', help, samples },
})

export const exposition = (metrics: readonly Metric[]): string => metrics.map(lines).join('')

const lines = ({ name, type, help, samples }: Metric): string =>
  `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${samples
    .map(({ labels, value }) => `${name}${labelled(labels)} ${value}\n`)
    .join('')}`

function labelled(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`,
  )
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
