/**
 * Puts together the folder of files that the control plane serves: admin/wrangler.toml and workerd-config.ts bind it.
 * `node local/assets.ts` does it.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Absolute path of the folder. */
export const ASSETS_DIR = join(ROOT, 'dist', 'assets')

const DOCS = [
  ...['docs.js', 'docs.css'].map((name) => join('admin', 'docs', name)),
  // With what its licence asks to go along with it.
  ...['swagger-ui-bundle.js', 'swagger-ui.css', 'LICENSE', 'NOTICE'].map((name) =>
    join('node_modules', 'swagger-ui-dist', name),
  ),
]

/** Each file appears whole under its name, and one that is there already is left alone: this may run at any time. */
export function copyAssets(): void {
  const folder = join(ASSETS_DIR, 'docs')
  mkdirSync(folder, { recursive: true })
  for (const file of DOCS) copyFile(join(ROOT, file), join(folder, basename(file)))
}

function copyFile(from: string, to: string): void {
  const content = readFileSync(from)
  if (existsSync(to) && readFileSync(to).equals(content)) return
  const next = join(ROOT, 'dist', `.${basename(to)}-${process.pid}`)
  writeFileSync(next, content)
  renameSync(next, to)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) copyAssets()
