/** The demo origins' page: which side answered, in large letters and colour, and what the edge said about it. Pure. */

const SIDES = {
  stable: { colour: '#1a7f37', word: 'STABLE', other: 'canary' },
  canary: { colour: '#ffbf00', word: 'CANARY', other: 'stable' },
} as const

/** HTML for one request. */
export function originPage(
  side: keyof typeof SIDES,
  method: string,
  path: string,
  headers: readonly (readonly [name: string, value: string])[],
): string {
  const { colour, word, other } = SIDES[side]
  const ink = side === 'stable' ? '#ffffff' : '#1f1a00'
  const first = headers.filter(([name]) => name === VARIANT)
  const rest = headers.filter(([name]) => name !== VARIANT)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${word} · Turnout demo</title>
<style>
  body { margin: 0; min-height: 100vh; display: grid; place-content: center; justify-items: center; gap: 1rem; text-align: center;
    font: 1.1rem/1.5 system-ui, sans-serif; background: ${colour}; color: ${ink}; padding: 1rem; box-sizing: border-box }
  h1 { font-size: clamp(3.5rem, 18vw, 12rem); line-height: 1; margin: 0; letter-spacing: .02em }
  p { margin: 0; max-width: 44rem }
  code, td { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
  table { border-collapse: collapse; text-align: left }
  details { max-width: min(60rem, 100%) }
  summary { cursor: pointer; padding: .3rem }
  th, td { border-top: 1px solid; padding: .2rem .8rem; font-weight: normal }
</style>
<h1>${word}</h1>
<p>The <strong>${side}</strong> origin answered <code>${escapeHtml(method)} ${escapeHtml(path)}</code>.</p>
${table(first)}
<p>Change the flag and reload: this page is ${other === 'canary' ? 'amber' : 'green'} when the ${other} origin answers.</p>
${headers.length === 0 ? NOTHING : ''}${rest.length === 0 ? '' : `<details><summary>What else the edge told this origin</summary>${table(rest)}</details>`}
</html>
`
}

/** What was decided: the one header that everybody looks for. */
const VARIANT = 'x-turnout-variant'

const NOTHING =
  '<p>The edge told this origin nothing: this request did not come through it, or the origin has no <code>context</code>.</p>'

function table(headers: readonly (readonly [name: string, value: string])[]): string {
  const rows = headers.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  )
  return rows.length === 0 ? '' : `<table>${rows.join('')}</table>`
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
