/** `turnout outcomes`: how the variants of flags do, by what applications report. */
import type { components } from '../../admin/api/openapi-types.d.ts'
import { bodyOf } from '../client.ts'
import { option, positive } from '../options.ts'
import type { Commands } from '../run.ts'
import { openEnvironment } from '../session.ts'
import { table } from '../table.ts'
import type { World } from '../world.ts'

type Variant = components['schemas']['Outcomes']['flags'][number]['variants'][number]
type Counts = Pick<Variant, 'ok' | 'errors' | 'errorRate' | 'values'>

export const outcomeCommands: Commands = (program, act) => {
  program
    .command('outcomes')
    .summary('how the variants of flags do, by what applications report')
    .argument('[flag]', 'key of a flag; default: all')
    .addOption(option('--minutes <n>', 'how far back; default 60, at most 1440', positive))
    .action(act(outcomes))
}

async function outcomes(
  world: World,
  flag: string | undefined,
  { minutes }: { readonly minutes?: number },
): Promise<unknown> {
  const { api, environment, path } = openEnvironment(world)
  const query = { ...(flag === undefined ? {} : { flag }), ...(minutes === undefined ? {} : { minutes }) }
  const { from, flags } = await bodyOf(
    api.GET('/api/v1/environments/{env}/outcomes', { params: { path, query } }),
  )
  if (flags.length === 0) world.output.line(`Nothing was reported of ${flag ?? 'flags'} in ${environment}.`)
  else
    for (const line of table([
      ['FLAG', 'VARIANT', 'PART', 'EXPOSURES', 'OK', 'ERRORS', 'RATE', 'MEAN', 'DEVIATION'],
      ...flags.flatMap(({ flag: key, variants }) =>
        variants.flatMap(({ variant, exposures, parts = [], ...whole }) => [
          [key, variant, '', String(exposures), ...columns(whole)],
          ...parts.map(({ part, ...counts }) => [key, variant, part, '', ...columns(counts)]),
        ]),
      ),
    ]))
      world.output.line(line)
  return { environment, from, flags }
}

const columns = ({ ok, errors, errorRate, values: { mean, deviation } }: Counts): string[] => [
  String(ok),
  String(errors),
  errorRate === null ? '' : `${shortened(errorRate * 100)} %`,
  mean === null ? '' : shortened(mean),
  deviation === null ? '' : shortened(deviation),
]

/** At most three digits behind the point. */
const shortened = (value: number): string => String(Number(value.toFixed(3)))
