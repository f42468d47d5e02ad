/** Completion in shells. */
import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/temporary-folder.ts'
import { turnout } from './run.ts'

const complete = async (...words: string[]) =>
  (await turnout(['complete', '--', ...words])).out.split('\n').slice(0, -1)

describe('completion', () => {
  test('knows commands, and commands of commands', async () => {
    expect(await complete('fl')).toEqual(['flags'])
    expect(await complete('flags', 'g')).toEqual(['get'])
    expect(await complete('--env', 'prod', 'flags', 'e')).toEqual(['explain'])
    expect(await complete('')).toContain('kill')
    expect(await complete('')).not.toContain('complete')
    expect(await complete('kill', 'flag')).toEqual([])
  })

  test('knows the options of a command and of all commands', async () => {
    expect(await complete('kill', 'flag:beta', '--re')).toEqual(['--reason'])
    expect(await complete('kill', '--e')).toEqual(['--env', '--expires'])
  })

  test('knows three shells', async () => {
    const { code, err } = await turnout(['completion', 'tcsh'])
    expect(err).toContain('SHELL must be bash, zsh or fish, got "tcsh"')
    expect(code).toBe(2)
    for (const shell of ['bash', 'zsh', 'fish'])
      expect((await turnout(['completion', shell])).out).toContain('turnout complete --')
  })

  test.runIf(process.platform !== 'win32')('completes in bash', async () => {
    const folder = temporaryFolder()
    const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
    writeFileSync(join(folder, 'turnout'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
    chmodSync(join(folder, 'turnout'), 0o755)
    const script = (await turnout(['completion', 'bash'])).out
    const typed = 'COMP_WORDS=(turnout versions s); COMP_CWORD=2; _turnout; echo "$COMPREPLY"'
    const env = { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` }
    expect(execFileSync('bash', ['-c', `${script}\n${typed}`], { env, encoding: 'utf8' })).toBe('show\n')
  })
})
