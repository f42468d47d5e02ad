/**
 * A strict reader of Prometheus' text format 0.0.4: one metric at a time, HELP and TYPE first, each once, no sample twice.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */

export interface ReadMetric {
  readonly help: string
  readonly type: string
  readonly samples: { labels: Record<string, string>; value: number }[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const HELP = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\]|\\\\\\\\|\\\\n)*)$`)
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`)
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? ([^ ]+)(?: (-?\\d+))?$`)
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/
const FLOAT = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|NaN|[+-]?Inf)$/

/** Metrics by name. Throws with the line that is not of the grammar. */
export function readExposition(text: string): Map<string, ReadMetric> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const metrics = new Map<string, ReadMetric>()
  let help: { name: string; text: string } | null = null
  let current: { name: string; metric: ReadMetric; seen: Set<string> } | null = null
  for (const line of text.slice(0, -1).split('\n')) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`)
    }
    const helped = HELP.exec(line)
    const typed = TYPE.exec(line)
    const sample = SAMPLE.exec(line)
    if (helped) {
      if (metrics.has(helped[1]!)) fail('HELP comes twice, or after others')
      help = { name: helped[1]!, text: unescaped(helped[2]!) }
    } else if (typed) {
      const [, name, type] = typed as unknown as [string, string, string]
      if (help?.name !== name) fail('TYPE does not follow its HELP')
      if (metrics.has(name)) fail('TYPE comes twice')
      if (type === 'counter' && !name.endsWith('_total')) fail('a counter ends in _total')
      current = { name, metric: { help: help!.text, type, samples: [] }, seen: new Set() }
      metrics.set(name, current.metric)
    } else if (sample && !line.startsWith('#')) {
      const [, name, inner = '', value] = sample as unknown as [string, string, string | undefined, string]
      if (current === null || current.name !== name) fail('a sample is not below its TYPE')
      const labels = labelsOf(inner) ?? fail('labels are not of the grammar')
      if (!FLOAT.test(value)) fail('a value is no number')
      const key = JSON.stringify(Object.entries(labels).sort())
      if (current!.seen.has(key)) fail('a sample comes twice')
      current!.seen.add(key)
      current!.metric.samples.push({ labels, value: Number(value.replace('Inf', 'Infinity')) })
    } else fail('not of the grammar')
  }
  return metrics
}

function labelsOf(text: string): Record<string, string> | null {
  const labels: Record<string, string> = {}
  for (let rest = text; rest !== ''; ) {
    const found = LABEL.exec(rest)
    if (found === null || found[1]! in labels) return null
    labels[found[1]!] = unescaped(found[2]!)
    rest = rest.slice(found[0].length)
  }
  return labels
}

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
