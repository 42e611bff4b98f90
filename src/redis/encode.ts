import { Buffer } from 'node:buffer'
import type { WriteItem } from '../node/contract.ts'
import type { Argument } from './client.ts'

// Commands as they go over the wire: https://redis.io/docs/latest/develop/reference/protocol-spec/

const SET = '*5\r\n$3\r\nSET'
const GET = '*2\r\n$3\r\nGET'
const DEL = '*2\r\n$3\r\nDEL\r\n'

/** What ends one part and says how many bytes the next one has. Of few pieces: each piece of a text is an object to V8. */
const COMMON_LENGTHS: readonly string[] = Array.from({ length: 512 }, (_, length) => `\r\n$${length}\r\n`)

function lengthOf(bytes: number): string {
  return COMMON_LENGTHS[bytes] ?? `\r\n$${bytes}\r\n`
}

/** `SET key value PX ttl` for each, in one buffer. */
export function encodeSets(items: readonly WriteItem[]): Buffer {
  return encodeShortSets(items) ?? encodeAnySets(items)
}

/**
 * The same for ASCII keys and short values, as nearly all are; nothing for others. All texts are written at once, with blanks
 * where the values belong, which are put there afterwards: to write a text takes longer than to copy hundreds of bytes.
 */
function encodeShortSets(items: readonly WriteItem[]): Buffer | undefined {
  const places: number[] = []
  const tails = new Tails()
  let text = ''
  for (let i = 0; i < items.length; i++) {
    const { key, value, ttl } = items[i] as WriteItem
    const { length } = value
    if (length > LONGEST_SHORT) return undefined
    text = text + SET + lengthOf(key.length) + key + lengthOf(length)
    places[i] = text.length
    text = text + (BLANKS[length] ??= blanks(length)) + tails.of(ttl)
  }
  const buffer = writeAscii(text)
  if (buffer) for (let i = 0; i < items.length; i++) buffer.set((items[i] as WriteItem).value, places[i])
  return buffer
}

function encodeAnySets(items: readonly WriteItem[]): Buffer {
  // What stands before each value, and after the last one.
  const texts: string[] = []
  const tails = new Tails()
  let text = ''
  let size = 0
  for (const { key, value, ttl } of items) {
    text = text + SET + lengthOf(Buffer.byteLength(key)) + key + lengthOf(value.length)
    texts.push(text)
    size += Buffer.byteLength(text) + value.length
    text = tails.of(ttl)
  }
  const buffer = Buffer.allocUnsafe(size + text.length)
  let at = 0
  for (let i = 0; i < items.length; i++) {
    const { value } = items[i] as WriteItem
    at += buffer.write(texts[i] as string, at)
    buffer.set(value, at)
    at += value.length
  }
  buffer.write(text, at, 'latin1')
  return buffer
}

/** What follows a value: the times of items that are written together are nearly always the same. */
class Tails {
  #text = ''
  #ttl = -1

  of(ttl: number): string {
    if (ttl !== this.#ttl) {
      const digits = `${ttl}`
      this.#text = `\r\n$2\r\nPX\r\n$${digits.length}\r\n${digits}\r\n`
      this.#ttl = ttl
    }
    return this.#text
  }
}

/** Of values of more bytes, what has to be copied would outweigh what is saved. */
const LONGEST_SHORT = 512

/** Texts of so many blanks, made when they are wanted first. */
const BLANKS: string[] = Array<string>(LONGEST_SHORT + 1)

function blanks(length: number): string {
  return Buffer.alloc(length, ' ').toString('latin1')
}

/** `DEL key` for each, in one buffer. */
export function encodeDels(keys: readonly string[]): Buffer {
  let text = ''
  for (const key of keys) text += DEL + bulk(key)
  return Buffer.from(text)
}

/** `GET key`. A text, which Node writes to the socket without a buffer of its own for it. */
export function encodeGet(key: string): string {
  return GET + lengthOf(Buffer.byteLength(key)) + key + '\r\n'
}

/** `MGET key …`, in one buffer. */
export function encodeGets(keys: readonly string[]): Buffer {
  const head = `*${keys.length + 1}\r\n$4\r\nMGET`
  // Piece by piece: what is put together first is taken apart again when all is written.
  let text = head
  for (const key of keys) text = text + lengthOf(key.length) + key
  const buffer = writeAscii(`${text}\r\n`)
  if (buffer) return buffer
  text = head
  for (const key of keys) text = text + lengthOf(Buffer.byteLength(key)) + key
  return Buffer.from(`${text}\r\n`)
}

/**
 * A text in a buffer of its own; nothing if it is not ASCII, which nearly all keys are: to count the bytes of each takes longer
 * than to write them all. With room for one character more, it takes as many bytes as it has characters only if it is.
 */
function writeAscii(text: string): Buffer | undefined {
  const { length } = text
  if (length < FEW_CHARACTERS) {
    const buffer = Buffer.from(text)
    return buffer.length === length ? buffer : undefined
  }
  const buffer = Buffer.allocUnsafe(length + MOST_PER_CHARACTER)
  return buffer.write(text) === length ? buffer.subarray(0, length) : undefined
}

/** To count the bytes of so few takes less than to cut a buffer to its length. */
const FEW_CHARACTERS = 256
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
