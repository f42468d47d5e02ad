/** `npm run selfhost -- --config FILE`. Exit codes: 0 written · 1 refused or failed · 2 the command line is wrong. */
import { relative, resolve } from 'node:path'
import { Command } from 'commander'
import { build, PROJECT_ROOT } from '../local/build.ts'
import { releaseOf, tagOf } from '../local/release.ts'
import { StartError } from '../local/start-error.ts'
import { readToml } from '../local/toml.ts'
import { checkFile, type SelfHostFile } from './file.ts'
import { writeFolder } from './folder.ts'
import { FOLDER } from './unit.ts'

interface Options {
  readonly config: string
  readonly out: string
}

const command = new Command('npm run selfhost --')
  .description('Makes a folder that runs Turnout on a server of your own, on workerd, without Node.')
  .option('--config <file>', 'where the Workers listen, and whom they believe', 'selfhost.toml')
  .option('--out <folder>', 'where it goes', 'dist/selfhost')
  .allowExcessArguments(false)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()

process.exitCode = await run(command.opts<Options>())

async function run({ config, out }: Options): Promise<number> {
  try {
    const file = read(resolve(PROJECT_ROOT, config), config)
    const folder = resolve(PROJECT_ROOT, out)
    writeFolder(folder, file, await build(console.log), tagOf(releaseOf(PROJECT_ROOT)))
    console.log(summary(file, relative(PROJECT_ROOT, folder) || folder))
    return 0
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    console.error(`turnout: ${error.message}`)
    return 1
  }
}

/** Throws `StartError` with everything that is wrong. */
function read(path: string, name: string): SelfHostFile {
  let content: unknown
  try {
    content = readToml(path, name)
  } catch (error) {
    throw new StartError(`${(error as Error).message}; start from selfhost.example.toml`, { cause: error })
  }
  const checked = checkFile(content)
  if ('file' in checked) return checked.file
  throw new StartError(
    `${name} cannot be used:\n${checked.problems.map((problem) => `  ${problem}`).join('\n')}`,
  )
}

function summary({ controlPlane, edges, stateDir }: SelfHostFile, folder: string): string {
  const listed = [...edges].map(([name, { listen }]) => `  edge ${name.padEnd(9)} ${listen}`)
  return `
${folder} is ready.

  control plane  ${controlPlane.listen}
${listed.join('\n')}
  state          ${stateDir}

Copy it to the server as ${FOLDER}; docs/operations.md, "On your own server", has the commands.`
}
