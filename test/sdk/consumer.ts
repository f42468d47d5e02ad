/** Somebody who installed the package: a folder with it in `node_modules`, where programs are compiled and run. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'
import { PROJECT_ROOT } from '../../local/build.ts'
import { makePackage } from '../../sdk/publish/package.ts'
import { makeTemporaryFolder, removeFolder } from '../helpers/temporary-folder.ts'

export interface Consumer {
  /** The package as it is published. */
  readonly packageFolder: string
  readonly folder: string
  /** What a module prints. */
  run(script: string): string
  /** The compiler's complaints about these files, by file, each as its first line without the place. */
  compile(files: Readonly<Record<string, string>>): Record<string, string[]>
}

const COMPILER_OPTIONS = {
  strict: true,
  noEmit: true,
  module: 'nodenext',
  target: 'es2024',
  lib: ['es2024', 'dom'],
  types: [],
}

/** In a test file's outermost scope; what it makes is removed after the file's tests. `peers`: what is installed beside. */
export async function installPackage(peers: readonly string[] = []): Promise<Consumer> {
  const home = makeTemporaryFolder()
  afterAll(() => removeFolder(home))
  const packageFolder = join(home, 'package')
  const folder = join(home, 'consumer')
  await makePackage(packageFolder)
  mkdirSync(join(folder, 'node_modules/@turnout'), { recursive: true })
  symlinkSync(packageFolder, join(folder, 'node_modules/@turnout/sdk'))
  for (const name of peers) {
    // Beside the package itself, which the link above leads to.
    const at = join(home, 'node_modules', name)
    mkdirSync(dirname(at), { recursive: true })
    symlinkSync(join(PROJECT_ROOT, 'node_modules', name), at)
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  return {
    packageFolder,
    folder,
    run: (script) =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        cwd: folder,
        encoding: 'utf8',
      }).trim(),
    compile(files) {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      const project = { compilerOptions: COMPILER_OPTIONS, files: Object.keys(files) }
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
      const tsc = join(PROJECT_ROOT, 'node_modules/typescript/bin/tsc')
      const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { cwd: folder, encoding: 'utf8' })
      const complaints: Record<string, string[]> = {}
      for (const [, file, complaint] of stdout.matchAll(/^(\S+)\(\d+,\d+\): error TS\d+: (.*)$/gm))
        complaints[file!] = [...(complaints[file!] ?? []), complaint!]
      return complaints
    },
  }
}
