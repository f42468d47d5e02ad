/** The commands, in the order of `turnout --help`. */
import { importCommands } from './import/import.ts'
import type { Commands } from './run.ts'

export const COMMANDS: readonly Commands[] = [importCommands]
