/** Bodies as a whole; never reads more than the limit. */
import { jsonError } from '../engine/json-error.ts'

/** `null`: it is longer than `maxBytes`. */
export async function readText(request: Request, maxBytes: number): Promise<string | null> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return null
  if (request.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of request.body) {
    bytes += (chunk as Uint8Array).byteLength
    if (bytes > maxBytes) return null
    text += decoder.decode(chunk as Uint8Array, { stream: true })
  }
  return text + decoder.decode()
}

/** What is wrong with a text that `JSON.parse` refuses, and where: `line 1, column 12`, both from 1. */
export function jsonIssue(text: string): { path: string; message: string } {
  const { line, column, message } = jsonError(text)
  return { path: `line ${line}, column ${column}`, message }
}

/**
 * The whole of a response's body; `null`: it is longer than `maxBytes`, breaks off, or `signal` comes first. The rest is let go.
 * Never rejects.
 */
export async function wholeOf(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Blob | null> {
  const reader = body?.getReader()
  const stop = () => void reader?.cancel().catch(() => undefined)
  signal?.addEventListener('abort', stop)
  const parts: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  try {
    for (let read = await reader?.read(); read?.value; read = await reader!.read()) {
      parts.push(read.value as Uint8Array<ArrayBuffer>)
      bytes += read.value.byteLength
      if (bytes > maxBytes) {
        stop()
        return null
      }
    }
    return signal?.aborted ? null : new Blob(parts)
  } catch {
    return null
  }
}
