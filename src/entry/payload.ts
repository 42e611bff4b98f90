import { Buffer } from 'node:buffer'
import { compress, type Compression } from './compression.ts'

/** A value as its codec gives it: bytes, or the text that they are in UTF-8; or either, to be compressed where it is written. */
export type Payload = Plain | Compressible

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
  return typeof payload !== 'string' && payload instanceof Compressible ? payload.plain : payload
}

/** How many bytes a payload is where it is stored. */
export function storedSize(payload: Payload): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload)
  return payload instanceof Compressible ? payload.stored.bytes.length : payload.length
}

/** How many bytes a payload is before it is compressed. */
export function plainSize(payload: Payload): number {
  return storedSize(plainOf(payload))
}
