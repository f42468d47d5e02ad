/** Pieces of JSON Schema of which those of documents are made. */

export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
export const strings = { type: 'array', items: { type: 'string' } }
export const mapOf = (value: object) => ({ type: 'object', additionalProperties: value })
export const object = (required: string[], properties: Record<string, object>, more: object = {}) => ({
  type: 'object',
  additionalProperties: false,
  ...(required.length > 0 ? { required } : {}),
  properties,
  ...more,
})

const KEY = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'
export const key = { type: 'string', pattern: KEY }
export const text = { type: 'string' }
export const boolean = { type: 'boolean' }
export const percent = { type: 'number', minimum: 0, maximum: 100, multipleOf: 0.001 }
