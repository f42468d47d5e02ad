/** JSON that was broken on its way, as text. */
import type { Random } from '../../helpers/random.ts'

type Spoil = (text: string, random: Random) => string

const SPOILS: readonly Spoil[] = [
  () => '',
  () => ' ',
  () => 'null',
  () => '[]',
  () => '"x"',
  () => '0',
  () => '\ufeff{}',
  () => '{"a":1,"a":1}',
  () => '{"__proto__":null,"__proto__":null}',
  () => 'undefined',
  () => "{'a':1}",
  () => '{"a":01}',
  () => '{"a":NaN}',
  () => '{"a":"\t"}',
  () => '{"a":"\\x"}',
  () => '{"a":"\\ud800"}',
  () => '[1,]',
  (text) => `${text}${text}`,
  (text) => `${text},`,
  (text) => `${text}\u0000`,
  (text, random) => text.slice(0, random.below(text.length)),
  (text, random) => {
    const at = random.below(text.length)
    return `${text.slice(0, at)}${random.pick(['"', '{', ']', '\\', '\u0000', ',', ':', '-'])}${text.slice(at)}`
  },
  // The same name twice in one object.
  (text) => text.replace(/"([^"\\]+)":/, '"$1":null,"$1":'),
  () => `${'['.repeat(101)}${']'.repeat(101)}`,
  () => '{"a":'.repeat(200_000),
]

export const spoilText: Spoil = (text, random) => random.pick(SPOILS)(text, random)
