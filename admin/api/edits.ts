/** Carries an edit of a document to its environment. */
import type { Edit } from '../edit.ts'
import type { Edited } from '../objects/answers.ts'
import type { Precondition } from '../precondition.ts'
import type { Author } from '../settings.ts'
import { ask } from './ask.ts'
import { type ApiContext, authorOf, mannerOf } from './context.ts'

/** Header of every edit's answer: the environment's version that holds it. */
export const VERSION_HEADER = 'x-turnout-version'

export async function carryOut(
  c: ApiContext,
  environment: string,
  edit: Edit,
  precondition: Precondition | null,
  author: Author = authorOf(c),
): Promise<Edited> {
  // A flag that is off may be switched off again.
  const times = edit.do === 'toggle' && !edit.enabled ? 'again' : 'once'
  const edited = await ask(
    c,
    environment,
    (stub) => stub.edit(edit, mannerOf(c, precondition), author),
    times,
  )
  c.header(VERSION_HEADER, String(edited.version))
  return edited
}
