import { Buffer } from 'node:buffer'
import type { WriteItem } from '../node/contract.ts'
import type { Argument } from './client.ts'

// Commands as they go over the wire: https://redis.io/docs/latest/develop/reference/protocol-spec/

const SET = '*5\r\n$3\r\nSET'
const DEL = '*2\r\n$3\r\nDEL\r\n'

/** What ends one part and says how many bytes the next one has. Of few pieces: each piece of a text is an object to V8. */
const COMMON_LENGTHS: readonly string[] = Array.from({ length: 512 }, (_, length) => `\r\n$${length}\r\n`)

function lengthOf(bytes: number): string {
  return COMMON_LENGTHS[bytes] ?? `\r\n$${bytes}\r\n`
}

/** `SET key value PX ttl` for each, in one buffer. */
export function encodeSets(items: readonly WriteItem[]): Buffer {
  // What stands before each value, and after the last one.
  const texts: string[] = []
  let text = ''
  let size = 0
  const ascii = areAscii(items)
  let tail = ''
  let tailOf = -1
  for (const { key, value, ttl } of items) {
    const keyBytes = ascii ? key.length : Buffer.byteLength(key)
    if (ttl !== tailOf) {
      const digits = `${ttl}`
      tail = `\r\n$2\r\nPX\r\n$${digits.length}\r\n${digits}\r\n`
      tailOf = ttl
    }
    text += SET + lengthOf(keyBytes) + key + lengthOf(value.length)
    texts.push(text)
    // All but the key is ASCII: to count the bytes of a text that was just put together takes longer.
    size += text.length - key.length + keyBytes + value.length
    text = tail
  }
  const buffer = Buffer.allocUnsafe(size + text.length)
  const encoding = ascii ? 'latin1' : 'utf8'
  let at = 0
  for (let i = 0; i < items.length; i++) {
    const { value } = items[i] as WriteItem
    at += buffer.write(texts[i] as string, at, encoding)
    buffer.set(value, at)
    at += value.length
  }
  buffer.write(text, at, 'latin1')
  return buffer
}

/** Whether all keys are, as nearly all keys are: to count the bytes of each takes longer. */
function areAscii(items: readonly WriteItem[]): boolean {
  let all = ''
  for (const { key } of items) all += key
  return Buffer.byteLength(all) === all.length
}

/** `DEL key` for each, in one buffer. */
export function encodeDels(keys: readonly string[]): Buffer {
  let text = ''
  for (const key of keys) text += DEL + bulk(key)
  return Buffer.from(text)
}

/** `GET key`, or `MGET key …`, in one buffer. */
export function encodeGets(keys: readonly string[]): Buffer {
  const head = keys.length === 1 ? '*2\r\n$3\r\nGET' : `*${keys.length + 1}\r\n$4\r\nMGET`
  // Nearly all keys are ASCII. To count the bytes of each takes longer than to write them all. And piece by piece: what is put
  // together first is put together in two steps again when it is written.
  let text = head
  for (const key of keys) text = text + lengthOf(key.length) + key
  text += '\r\n'
  const bytes = Buffer.allocUnsafe(text.length + MOST_PER_CHARACTER)
  if (bytes.write(text) === text.length) return bytes.subarray(0, text.length)
  text = head
  for (const key of keys) text = text + lengthOf(Buffer.byteLength(key)) + key
  return Buffer.from(`${text}\r\n`)
}

/** What a character takes at most. With room for one more than there are, a text takes as many bytes as it has characters only if it is ASCII. */
const MOST_PER_CHARACTER = 4

/** A command with all that it is given. */
export interface Command {
  readonly name: string
  readonly args: readonly Argument[]
}

/** Any commands, in one buffer. */
export function encodeCommands(commands: readonly Command[]): Buffer {
  // What stands before each argument that is bytes, and that; the last text stands alone.
  const parts: (string | Buffer)[] = []
  let text = ''
  let size = 0
  for (const { name, args } of commands) {
    text += `*${args.length + 1}\r\n${bulk(name)}`
    for (const argument of args) {
      if (typeof argument !== 'object') text += bulk(`${argument}`)
      else {
        text += `$${argument.length}\r\n`
        parts.push(text, argument)
        size += Buffer.byteLength(text) + argument.length
        text = '\r\n'
      }
    }
  }
  const buffer = Buffer.allocUnsafe(size + Buffer.byteLength(text))
  let at = 0
  for (const part of parts) {
    if (typeof part === 'string') at += buffer.write(part, at)
    else {
      buffer.set(part, at)
      at += part.length
    }
  }
  buffer.write(text, at)
  return buffer
}

/** A text with its length in front. */
function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`
}
