/** The commands, in the order of `turnout --help`. */

import { approvalCommands } from './commands/approvals.ts'
import { auditCommands } from './commands/audit.ts'
import { backupCommands } from './commands/backup.ts'
import { completionCommands } from './commands/completion.ts'
import { environmentCommands } from './commands/environments.ts'
import { flagCommands } from './commands/flags.ts'
import { killCommands } from './commands/kill.ts'
import { landingCommands } from './commands/landing.ts'
import { loginCommands } from './commands/login.ts'
import { mirrorCommands } from './commands/mirrors.ts'
import { originCommands } from './commands/origins.ts'
import { outcomeCommands } from './commands/outcomes.ts'
import { previewCommands } from './commands/previews.ts'
import { splitCommands } from './commands/split.ts'
import { storeCommands } from './commands/store.ts'
import { typesCommands } from './commands/types.ts'
import { versionCommands } from './commands/versions.ts'
import { importCommands } from './import/import.ts'
import type { Commands } from './run.ts'

export const COMMANDS: readonly Commands[] = [
  killCommands,
  landingCommands,
  flagCommands,
  splitCommands,
  outcomeCommands,
  originCommands,
  mirrorCommands,
  previewCommands,
  versionCommands,
  approvalCommands,
  auditCommands,
  backupCommands,
  environmentCommands,
  storeCommands,
  importCommands,
  typesCommands,
  loginCommands,
  completionCommands,
]
