/** `turnout completion`: what a shell needs to complete commands and options, asked of the commands themselves. */
import type { Command } from '../command.ts'
import { UsageError } from '../failure.ts'
import type { Commands } from '../run.ts'
import { list } from '../words.ts'

export const completionCommands: Commands = (program, act) => {
  program
    .command('completion')
    .summary('commands and options in your shell, by Tab')
    .description(
      'Prints what the shell needs. For bash, in ~/.bashrc: eval "$(turnout completion bash)". For zsh, in ~/.zshrc after ' +
        'compinit: eval "$(turnout completion zsh)". For fish: turnout completion fish > ' +
        '~/.config/fish/completions/turnout.fish',
    )
    .argument('<shell>', list(Object.keys(SCRIPTS)))
    .action(
      act(async ({ output }, shell: string) => {
        const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
        if (script === undefined)
          throw new UsageError(`SHELL must be ${list(Object.keys(SCRIPTS))}, got ${JSON.stringify(shell)}`)
        output.line(script)
      }),
    )
  // What the scripts call, with the words so far; the last one is being typed.
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action(
      act(async ({ output }, words: readonly string[]) => {
        for (const word of completions(program, words)) output.line(word)
      }),
    )
}

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_turnout() {
  local IFS=$'\\n'
  COMPREPLY=($(turnout complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}"))
}
complete -o default -F _turnout turnout`,
  zsh: `_turnout() {
  compadd -- \${(f)"$(turnout complete -- "\${(@)words[2,CURRENT]}")"}
}
compdef _turnout turnout`,
  fish: `complete -c turnout -f -a '(turnout complete -- (commandline -opc)[2..] (commandline -ct))'`,
}

/** What may stand in place of the last word. */
function completions(program: Command, words: readonly string[]): string[] {
  const typed = words.at(-1) ?? ''
  let command = program
  const above: Command[] = []
  for (const word of words.slice(0, -1)) {
    const next = command.commands.find((each) => each.name() === word) as Command | undefined
    if (next === undefined) continue
    above.push(command)
    command = next
  }
  const help = command.createHelp()
  const options = [command, ...above]
    .flatMap((each) => help.visibleOptions(each))
    .map(({ long }) => long ?? '')
  const names = help.visibleCommands(command).map((each) => each.name())
  const candidates = typed.startsWith('-') ? options : names
  return [...new Set(candidates)].filter((word) => word.startsWith(typed)).sort()
}
