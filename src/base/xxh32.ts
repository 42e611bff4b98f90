import { codeAt } from './text.ts'
import { startOf, viewOf } from './view.ts'

// The primes of the specification, as signed integers.
export const P1: number = 0x9e3779b1 | 0
export const P2: number = 0x85ebca77 | 0
export const P3: number = 0xc2b2ae3d | 0
export const P4 = 0x27d4eb2f
export const P5 = 0x165667b1

export const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits))

/**
 * The top bit of each byte says whether that character is `{`, if all four are ASCII: then what is subtracted is less than
 * 128, and 128 minus it keeps that bit only for 0.
 */
export const bracesIn = (word: number): number => (0x80808080 - (word ^ 0x7b7b7b7b)) | 0

/** The last mixing, by which every bit of the input changes half of the bits. */
export const finish = (hash: number): number => {
  const once = Math.imul(hash ^ (hash >>> 15), P2)
  const twice = Math.imul(once ^ (once >>> 13), P3)
  return twice ^ (twice >>> 16)
}

/**
 * XXH32 of a short ASCII text, in plain JavaScript: into WebAssembly a text has to be encoded and copied first, which takes
 * longer than to hash it. After the specification of xxHash
 * (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
 *
 * One pass: whether the text is ASCII, and whether it has a brace, shows in the characters that are mixed in. Nothing is
 * allocated: a signed 32-bit integer is a small one to V8, an unsigned one may not be.
 *
 * @param braces whether a text with a `{` is hashed, too
 * @returns a signed 32-bit integer; `undefined` for a text that is not ASCII, or has a `{` and must not
 */
export function shortXxh32(text: string, seed: number, braces: boolean): number | undefined {
  // Of a number beyond 31 bits V8 would go on as of a fraction.
  const from = seed | 0
  const { length } = text
  let codes = 0
  let brace = 0
  let at = 0
  let hash: number
  if (length >= 16) {
    // The four lanes take turns: each word goes to the first, which then becomes the last.
    let a = (from + P1 + P2) | 0
    let b = (from + P2) | 0
    let c = from
    let d = (from - P1) | 0
    for (const end = length & ~15; at < end; at += 4) {
      const w = codeAt(text, at)
      const x = codeAt(text, at + 1)
      const y = codeAt(text, at + 2)
      const z = codeAt(text, at + 3)
      codes |= w | x | y | z
      const word = w | (x << 8) | (y << 16) | (z << 24)
      brace |= bracesIn(word)
      const mixed = Math.imul(rotate((a + Math.imul(word, P2)) | 0, 13), P1)
      a = b
      b = c
      c = d
      d = mixed
    }
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
  } else hash = (from + P5) | 0
  hash = (hash + length) | 0
  for (const end = length - 3; at < end; at += 4) {
    const w = codeAt(text, at)
    const x = codeAt(text, at + 1)
    const y = codeAt(text, at + 2)
    const z = codeAt(text, at + 3)
    codes |= w | x | y | z
    const word = w | (x << 8) | (y << 16) | (z << 24)
    brace |= bracesIn(word)
    hash = Math.imul(rotate((hash + Math.imul(word, P3)) | 0, 17), P4)
  }
  for (; at < length; at++) {
    const code = codeAt(text, at)
    codes |= code
    brace |= bracesIn(code)
    hash = Math.imul(rotate((hash + Math.imul(code, P5)) | 0, 11), P1)
  }
  if (codes > 127 || ((brace & 0x80808080) !== 0 && !braces)) return undefined
  return finish(hash)
}

/** XXH32 of the bytes from `start` to `end`, in plain JavaScript. A signed 32-bit integer. */
export function bytesXxh32(bytes: Uint8Array, seed: number, start: number, end: number): number {
  const from = seed | 0
  const words = viewOf(bytes)
  const first = startOf(bytes) + start
  const length = end - start
  const last = first + length
  let at = first
  let hash: number
  if (length >= 16) {
    let a = (from + P1 + P2) | 0
    let b = (from + P2) | 0
    let c = from
    let d = (from - P1) | 0
    // Rotated by hand: where all of this is built into its caller, V8 has no room left to build `rotate` in, and calls it.
    for (const stop = last - 16; at <= stop; at += 16) {
      const w = (a + Math.imul(words.getInt32(at, true), P2)) | 0
      const x = (b + Math.imul(words.getInt32(at + 4, true), P2)) | 0
      const y = (c + Math.imul(words.getInt32(at + 8, true), P2)) | 0
      const z = (d + Math.imul(words.getInt32(at + 12, true), P2)) | 0
      a = Math.imul((w << 13) | (w >>> 19), P1)
      b = Math.imul((x << 13) | (x >>> 19), P1)
      c = Math.imul((y << 13) | (y >>> 19), P1)
      d = Math.imul((z << 13) | (z >>> 19), P1)
    }
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
  } else hash = (from + P5) | 0
  hash = (hash + length) | 0
  // No loop over the words: V8 makes sure anew each time round what it reads.
  if (at <= last - 8) {
    const word = (hash + Math.imul(words.getInt32(at, true), P3)) | 0
    const next = (Math.imul((word << 17) | (word >>> 15), P4) + Math.imul(words.getInt32(at + 4, true), P3)) | 0
    hash = Math.imul((next << 17) | (next >>> 15), P4)
    at += 8
  }
  if (at <= last - 4) {
    const word = (hash + Math.imul(words.getInt32(at, true), P3)) | 0
    hash = Math.imul((word << 17) | (word >>> 15), P4)
    at += 4
  }
  for (; at < last; at++) hash = Math.imul(rotate((hash + Math.imul(words.getUint8(at), P5)) | 0, 11), P1)
  return finish(hash)
}
