import xxhash from 'xxhash-wasm'
import { hashTag } from './hash-tag.ts'
import { plainXxh32, shortXxh32Pair } from './xxh32-many.ts'
import { bytesXxh32, shortXxh32 } from './xxh32.ts'

/** The hash functions that placement and envelopes use, ready to be called synchronously. */
export interface Hash {
  /** XXH32 of the text's UTF-8 bytes; `seed` is 0 unless given. An unsigned 32-bit integer. */
  text(text: string, seed?: number): number
  /** XXH32 of bytes, of those from `start` to `end` when these are given; `seed` is 0 unless given. An unsigned 32-bit integer. */
  bytes(bytes: Uint8Array, seed?: number, start?: number, end?: number): number
  /**
   * `text` of a key's hash tag, as a signed 32-bit integer, in one step that allocates nothing. Need not be there: it makes
   * placement faster.
   */
  place?(key: string): number
  /**
   * `text` under two seeds at once, as signed 32-bit integers, into the first two places of `into`. Need not be there: it
   * makes checks faster.
   */
  pair?(text: string, seed: number, other: number, into: Int32Array): void
  /**
   * `place` and `pair` of a key at once, into the first three places of `into`, if it is short and plain: nothing but printable
   * ASCII characters, without blanks and `{`. Says whether it is. Need not be there: it makes calls faster.
   */
  plain?(key: string, seed: number, other: number, into: Int32Array): boolean
}

/** Up to here JavaScript is faster than WebAssembly, in characters: 42 to 80 ns for 19 characters, 77 to 80 for 40. */
const SHORT = 40

/**
 * Between these lengths, in bytes, WebAssembly is faster, although the bytes are copied into its memory first. More than
 * a page would make that memory grow.
 */
const LONG = 4_096
const PAGE = 65_536

let loading: Promise<Hash> | undefined

/**
 * Loads xxHash. WebAssembly compiles asynchronously, so this is the one step of building a ring that has to be awaited;
 * it is done once per process.
 *
 * @example
 * const hash = await loadHash()
 * hash.text('user:1') // the position of this key on every ring
 */
export function loadHash(): Promise<Hash> {
  loading ??= xxhash().then(({ h32, h32Raw }) => {
    const text = (given: string, seed = 0): number => {
      const short = given.length <= SHORT ? shortXxh32(given, seed, true) : undefined
      return short === undefined ? h32(given, seed) : short >>> 0
    }
    const bytes = (given: Uint8Array, seed = 0, start = 0, end = given.length): number => {
      const length = end - start
      if (length < LONG || length > PAGE) return bytesXxh32(given, seed, start, end) >>> 0
      return h32Raw(given.subarray(start, end), seed)
    }
    const place = (key: string): number => {
      const short = key.length <= SHORT ? shortXxh32(key, 0, false) : undefined
      return short ?? text(hashTag(key)) | 0
    }
    const pair = (given: string, seed: number, other: number, into: Int32Array): void => {
      if (given.length <= SHORT && shortXxh32Pair(given, seed, other, into)) return
      into[0] = text(given, seed)
      into[1] = text(given, other)
    }
    const plain = (key: string, seed: number, other: number, into: Int32Array): boolean =>
      key.length <= SHORT && plainXxh32(key, seed, other, into)
    return { text, bytes, place, pair, plain }
  })
  return loading
}
