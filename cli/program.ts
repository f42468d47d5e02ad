/** The commands, in the order of `turnout --help`. */

import { loginCommands } from './commands/login.ts'
import { importCommands } from './import/import.ts'
import type { Commands } from './run.ts'

export const COMMANDS: readonly Commands[] = [loginCommands, importCommands]
