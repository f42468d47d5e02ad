/** `turnout` as `npm link` leaves it: from anywhere, and on an older Node too. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const bin: string = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).bin.turnout

function turnout(file: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
    cwd: temporaryFolder(),
    encoding: 'utf8',
  })
  return { code: status, out: stdout, err: stderr }
}

test('runs from anywhere by its link, and its exit code is the command’s', () => {
  const link = join(temporaryFolder(), 'turnout')
  symlinkSync(join(ROOT, bin), link)
  expect(turnout(link, '--version')).toEqual({ code: 0, out: expect.stringMatching(/^turnout \d/), err: '' })
  expect(turnout(link, 'nosuch')).toMatchObject({
    code: 2,
    err: expect.stringContaining('there is no command'),
  })
})

test('runs on the Node of the project where that is another one', () => {
  const root = temporaryFolder()
  for (const file of ['setup.mjs', 'project-node.mjs', 'turnout.mjs'])
    cpSync(join(ROOT, 'local', file), join(root, 'local', file))
  mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true })
  writeFileSync(join(root, 'package-lock.json'), '{"packages":{}}')
  writeFileSync(join(root, 'node_modules', '.package-lock.json'), '{"packages":{}}')
  const node = '#!/bin/sh\nif [ "$1" = --version ]; then echo v24.0.0; else echo "$@"; exit 3; fi\n'
  writeFileSync(join(root, 'node_modules', '.bin', 'node'), node, { mode: 0o755 })
  expect(turnout(join(root, 'local', 'turnout.mjs'), 'landing', '--kill', '3')).toEqual({
    code: 3,
    out: `${join(root, 'cli', 'main.ts')} landing --kill 3\n`,
    err: '',
  })
})
