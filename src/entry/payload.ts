import { Buffer } from 'node:buffer'
import { compress, type Compression } from './compression.ts'
import { HEADER_BYTES } from './envelope.ts'
import { writePlainText } from './plain-text.ts'

/**
 * A value as its codec gives it: bytes, or the text that they are in UTF-8; either to be compressed where it is written; or
 * bytes with room for the header.
 */
export type Payload = Plain | Compressible | Framed

/** A payload that is not compressed. */
export type Plain = Uint8Array | string

/**
 * A payload that is to be compressed. That is done when its bytes or their number are first asked for, and once, however
 * often it is written: what never goes to a node costs nothing.
 */
export class Compressible {
  readonly plain: Plain
  readonly #how: Compression
  #stored: Stored | undefined

  constructor(plain: Plain, how: Compression) {
    this.plain = plain
    this.#how = how
  }

  /** Compressed, if that makes it enough smaller. */
  get stored(): Stored {
    return (this.#stored ??= stored(this.plain, this.#how))
  }
}

/** A payload that stands behind room for the header, so that it is not copied. */
export class Framed {
  readonly #bytes: Buffer
  #taken = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** How many bytes the payload has. */
  get length(): number {
    return this.#bytes.length - HEADER_BYTES
  }

  get plain(): Uint8Array {
    return this.#bytes.subarray(HEADER_BYTES)
  }

  /** Room and payload, for somebody who writes a header and gives them away: a copy when they were taken before. */
  take(): Buffer {
    if (this.#taken) return Buffer.from(this.#bytes)
    this.#taken = true
    return this.#bytes
  }
}

/** From this length on, in characters, it takes longer to look at each one than to have the library search them. */
const LONG = 512

/** The JSON form of a text that JSON leaves as it is, if it is short and ASCII; of others nothing. */
export function frameText(text: string): Framed | undefined {
  if (text.length > LONG) return undefined
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + text.length + 2)
  return writePlainText(text, bytes, HEADER_BYTES) ? new Framed(bytes) : undefined
}

/** What a payload is where it is stored. */
export interface Stored {
  readonly bytes: Uint8Array
  readonly compressed: boolean
}

function stored(plain: Plain, how: Compression): Stored {
  const bytes = typeof plain === 'string' ? Buffer.from(plain) : plain
  const fewer = compress(bytes, how)
  return fewer ? { bytes: fewer, compressed: true } : { bytes, compressed: false }
}

/**
 * The payload as it is to be stored: to be compressed, if it is large enough.
 *
 * @param most more bytes than a reader may inflate, which are left as they are
 */
export function toCompress(plain: Plain, how: Compression, most: number): Payload {
  const size = plainSize(plain)
  return size > how.above && size <= most ? new Compressible(plain, how) : plain
}

/** The payload before it is compressed. */
export function plainOf(payload: Payload): Plain {
  if (typeof payload === 'string') return payload
  return payload instanceof Compressible || payload instanceof Framed ? payload.plain : payload
}

/** How many bytes a payload is where it is stored. */
export function storedSize(payload: Payload): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload)
  return payload instanceof Compressible ? payload.stored.bytes.length : payload.length
}

/** How many bytes a payload is before it is compressed. */
export function plainSize(payload: Payload): number {
  return payload instanceof Framed ? payload.length : storedSize(plainOf(payload))
}
