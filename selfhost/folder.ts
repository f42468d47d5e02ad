/** The folder that runs on a server, by itself: workerd, both bundles, their configuration, and a systemd unit. */
import { chmodSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ASSETS_DIR } from '../local/assets.ts'
import type { Built } from '../local/build.ts'
import { binary } from '../local/workerd.ts'
import type { SelfHostFile } from './file.ts'
import { systemdUnit } from './unit.ts'
import { ASSETS, selfHostConfig } from './workerd-config.ts'

/** Writes it, over what is there. It holds no secret. */
export function writeFolder(
  folder: string,
  file: SelfHostFile,
  built: { readonly edge: Built; readonly admin: Built },
  release: string,
): void {
  mkdirSync(folder, { recursive: true })
  const bundle = (name: 'edge' | 'admin') => {
    const { file: from, ...compatibility } = built[name]
    copyFileSync(from, join(folder, `${name}.js`))
    return { path: `${name}.js`, ...compatibility }
  }
  const config = selfHostConfig(file, { edge: bundle('edge'), admin: bundle('admin') }, release)
  writeFileSync(join(folder, 'workerd.capnp'), config)
  writeFileSync(join(folder, 'turnout.service'), systemdUnit(file))
  cpSync(ASSETS_DIR, join(folder, ASSETS), { recursive: true })
  copyFileSync(binary(), join(folder, 'workerd'))
  chmodSync(join(folder, 'workerd'), 0o755)
}
