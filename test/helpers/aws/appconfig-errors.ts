/** AppConfig's refusals. */
import { AwsError } from './wire.ts'

export const badRequest = (message: string): AwsError => new AwsError('BadRequestException', message)
export const conflict = (message: string): AwsError => new AwsError('ConflictException', message, 409)
export const noSuch = (what: string, id: string): AwsError =>
  new AwsError('ResourceNotFoundException', `Could not find ${what} ${id}`, 404, { ResourceName: what })

export function parsedJson(content: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(content).toString())
  } catch (cause) {
    throw badRequest(`not JSON: ${(cause as Error).message}`)
  }
}
