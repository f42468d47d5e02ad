/** Reads TOML as wrangler does, which reads wrangler.toml too. */
import { experimental_readRawConfig as readRawConfig } from 'wrangler'

/** The content of a file. Throws an `Error` whose message is a sentence with line and column. `name`: what people call it. */
export function readToml(path: string, name: string): unknown {
  try {
    return readRawConfig({ config: path }).rawConfig
  } catch (error) {
    const { message, location } = error as Error & { location?: { line: number; column: number } }
    const at = location === undefined ? '' : ` at line ${location.line}, column ${location.column}`
    throw new Error(`${name} cannot be read${at}: ${message}`, { cause: error })
  }
}
