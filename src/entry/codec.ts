import { Buffer, isAscii } from 'node:buffer'
import { deserialize, serialize } from 'node:v8'
import { ValueError, quote } from '../base/errors.ts'
import { hasPart } from '../base/text.ts'
import { isPlainText } from './plain-text.ts'

/**
 * Turns values into bytes and back. `encode` should throw for what it cannot keep; `decode` should throw for what it did
 * not write, which the cache takes for a miss.
 *
 * @example
 * import { pack, unpack } from 'msgpackr'
 * const msgpack: Codec = { encode: pack, decode: unpack }
 */
export interface Codec<T = unknown> {
  /** The value as bytes. Throws for what it cannot keep. */
  encode(value: T): Uint8Array
  /** The bytes as a value. Throws for what it did not write. The bytes are read-only and must not be kept. */
  decode(bytes: Uint8Array): T
  /**
   * Set when a value that went through the codec is the very value that went in, and may be shared with those who wrote
   * it. The cache then skips the round trip by which L1 and loads otherwise return what a read from a node would return.
   */
  readonly identity?: boolean
}

/**
 * JSON: the default. What JSON loses is lost here too: a `Date` comes back as a string, a `Map` or a `Set` as `{}`, a
 * `NaN` as `null`, and a `BigInt` cannot be stored at all (`ERR_VALUE`). Use {@link v8Codec} where that matters.
 */
export const jsonCodec: Codec = {
  encode: (value) => Buffer.from(toJson(value)),
  decode: (bytes) => decodeJson(bytes, 0),
}

/** What {@link jsonCodec} makes of the bytes from `from` on, up to `to`. */
export function decodeJson(bytes: Uint8Array, from: number, to: number = bytes.length): unknown {
  // Without an encoding, Node need not look for it.
  return JSON.parse(asBuffer(bytes).toString(undefined, from, to)) as unknown
}

/** From this length on, in bytes, a look at the bytes is worth it: what stands between the quotes is then all that is copied. */
const LONG_TEXT = 512
/** From here on it is worth a look whether they are ASCII: those are copied as they are. */
const LONG_ASCII = 4_096
const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * The same for bytes that {@link encodeJson} is known to have written: what is one text without escapes is what stands
 * between its quotes. To parse it takes twice as long, of a long one five times.
 */
export function decodeOwnJson(bytes: Uint8Array, from: number, to: number = bytes.length): unknown {
  const last = to - 1
  if (last <= from || bytes[from] !== QUOTE || bytes[last] !== QUOTE) return decodeJson(bytes, from, to)
  if (last - from < LONG_TEXT) {
    const text = asBuffer(bytes).toString(undefined, from + 1, last)
    return hasPart(text, '"') || hasPart(text, '\\') ? decodeJson(bytes, from, to) : text
  }
  const text = asBuffer(bytes.subarray(from + 1, last))
  if (text.includes(BACKSLASH) || text.includes(QUOTE)) return decodeJson(bytes, from, to)
  return text.toString(text.length >= LONG_ASCII && isAscii(text) ? 'latin1' : undefined)
}

/**
 * Node's structured clone format: keeps `Date`, `Map`, `Set`, `BigInt`, `RegExp`, typed arrays, `undefined` inside objects
 * and circular references. Readable by Node only. Read it only from servers you trust as much as your own process.
 */
export const v8Codec: Codec = {
  encode(value) {
    if (value === undefined) throw new TypeError('undefined stands for a miss and cannot be a value')
    try {
      return serialize(value)
    } catch (error) {
      // V8 repeats the source text of a function, and a symbol's description.
      throw endsLike(error, ' could not be cloned.') ? new TypeError('a part of it cannot be cloned') : error
    }
  },
  // A copy: typed arrays would otherwise come back as views into the bytes that were read, and into their neighbours.
  decode: (bytes) => deserialize(Uint8Array.prototype.slice.call(bytes)) as unknown,
}

/** Bytes as they are: for values that are `Uint8Array` or `Buffer`. A read gives a `Buffer`. */
export const bytesCodec: Codec<Uint8Array> = {
  encode(value) {
    if (!(value instanceof Uint8Array)) throw new TypeError(`bytesCodec takes a Uint8Array; given: ${typeof value}`)
    return value
  },
  decode: (bytes) => Buffer.from(bytes),
}

/**
 * Encodes a value, or says why it cannot be.
 *
 * @throws ValueError `ERR_VALUE`, with the codec's error as its cause
 */
export function encodeValue(codec: Codec, value: unknown, key: string): Uint8Array {
  const bytes: unknown = encodeBy((one) => codec.encode(one), value, key)
  if (bytes instanceof Uint8Array) return bytes
  throw new ValueError(
    'ERR_VALUE',
    `the codec must encode into a Uint8Array; for ${quote(key)} it gave: ${typeof bytes}`,
  )
}

/**
 * What {@link jsonCodec} encodes a value into, as text.
 *
 * @throws ValueError `ERR_VALUE`
 */
export function encodeJson(value: unknown, key: string): string {
  return encodeBy(toJson, value, key)
}

function encodeBy<T>(encode: (value: unknown) => T, value: unknown, key: string): T {
  if (value === undefined) {
    throw new ValueError(
      'ERR_VALUE',
      `undefined stands for a miss and cannot be stored; key: ${quote(key)}. Store null, or delete the key`,
    )
  }
  try {
    return encode(value)
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] as string) : 'the codec threw'
    throw new ValueError('ERR_VALUE', `the value of ${quote(key)} cannot be encoded: ${reason}`, { cause: error })
  }
}

function toJson(value: unknown): string {
  if (typeof value === 'string' && isPlainText(value)) return `"${value}"`
  let text: string | undefined
  try {
    text = JSON.stringify(value) as string | undefined
  } catch (error) {
    // V8 goes on with the names of the properties, which are part of the value.
    throw startsLike(error, CIRCULAR) ? new TypeError(CIRCULAR) : error
  }
  if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON form`)
  return text
}

const CIRCULAR = 'Converting circular structure to JSON'

function startsLike(error: unknown, words: string): boolean {
  return error instanceof Error && error.message.startsWith(words)
}

function endsLike(error: unknown, words: string): boolean {
  return error instanceof Error && error.message.endsWith(words)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
