/** The hand-written evaluator: the floor. */
import { document } from '../flags.ts'
import { type Context, Minimal } from '../minimal.ts'
import type { Engine, Load } from './engine.ts'

export const load: Load = async (users, flags) => {
  const minimal = new Minimal(JSON.parse(JSON.stringify(document(users, flags))))
  const engine: Engine<Context> = {
    context: ({ id, ...attributes }) => ({ targetingKey: id, ...attributes }),
    boolean: (key, context) => minimal.evaluate(key, context) === true,
    text: (key, context) => minimal.evaluate(key, context) as string,
  }
  return engine
}
