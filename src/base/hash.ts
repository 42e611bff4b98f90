import xxhash from 'xxhash-wasm'
import { hashTag } from './hash-tag.ts'
import { keyXxh32 } from './xxh32-many.ts'
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
   * `place` and `pair` of a short key at once, into the first three places of `into`. Need not be there: it makes calls faster.
   *
   * @returns 0 for a text that is long or not ASCII; else the sum of 1, of 2 when it can be stored as it is (printable, without
   *   blanks), and of 4 when it has no `{`, without which the first place is not the key's
   */
  key?(text: string, seed: number, other: number, into: Int32Array): number
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
    const key = (given: string, seed: number, other: number, into: Int32Array): number =>
      given.length <= SHORT ? keyXxh32(given, seed, other, into) : 0
    const three = new Int32Array(3)
    const pair = (given: string, seed: number, other: number, into: Int32Array): void => {
      const short = key(given, seed, other, three) !== 0
      into[0] = short ? (three[1] as number) : text(given, seed)
      into[1] = short ? (three[2] as number) : text(given, other)
    }
    return { text, bytes, place, pair, key }
  })
  return loading
}
