import { codeAt } from './text.ts'
import { bracesIn, finish, P1, P2, P3, P4, P5, rotate } from './xxh32.ts'

// See xxh32.ts for what is common to all of them.

/** What {@link keyXxh32} says of a text, as bits: it is ASCII, it can be stored as it is, and it has no `{`. */
export const ASCII = 1
export const PRINTABLE = 2
export const UNTAGGED = 4

const TOP_BITS = 0x80808080 | 0

/**
 * The top bit of each byte says whether that character is printable, and no blank, if all four are ASCII. Not less than `!`: what is
 * subtracted from 128 and the character leaves that bit. Not DEL: one more would set it.
 */
const printableIn = (word: number): number => (((word | 0x80808080) - 0x21212121) | 0) & ~(word + 0x01010101)

/**
 * All that is asked of a short key, in one pass: `shortXxh32` with the seed 0 and with two others, whether it can be stored as it
 * is, and whether it has a brace. To read its characters takes longer than to mix them into three hashes.
 *
 * @param into takes the hash with the seed 0 and both others, as signed 32-bit integers, when the text is ASCII
 * @returns 0 for a text that is not ASCII; else {@link ASCII}, with {@link PRINTABLE} when all characters are, without blanks, and
 *   {@link UNTAGGED}
 */
export function keyXxh32(text: string, seed: number, other: number, into: Int32Array): number {
  const { length } = text
  let codes = 0
  let printable = -1
  let brace = 0
  let at = 0
  let hash = P5
  // Of a number beyond 31 bits V8 would go on as of a fraction.
  const second = seed | 0
  const last = other | 0
  let twin = (second + P5) | 0
  let third = (last + P5) | 0
  if (length >= 16) {
    let a = (P1 + P2) | 0
    let b = P2
    let c = 0
    let d = -P1 | 0
    let e = (second + P1 + P2) | 0
    let f = (second + P2) | 0
    let g = second
    let h = (second - P1) | 0
    let i = (last + P1 + P2) | 0
    let j = (last + P2) | 0
    let k = last
    let l = (last - P1) | 0
    for (const end = length & ~15; at < end; at += 4) {
      const w = codeAt(text, at)
      const x = codeAt(text, at + 1)
      const y = codeAt(text, at + 2)
      const z = codeAt(text, at + 3)
      codes |= w | x | y | z
      const four = w | (x << 8) | (y << 16) | (z << 24)
      printable &= printableIn(four)
      brace |= bracesIn(four)
      const word = Math.imul(four, P2)
      const mixed = Math.imul(rotate((a + word) | 0, 13), P1)
      a = b
      b = c
      c = d
      d = mixed
      const mingled = Math.imul(rotate((e + word) | 0, 13), P1)
      e = f
      f = g
      g = h
      h = mingled
      const stirred = Math.imul(rotate((i + word) | 0, 13), P1)
      i = j
      j = k
      k = l
      l = stirred
    }
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
    twin = (rotate(e, 1) + rotate(f, 7) + rotate(g, 12) + rotate(h, 18)) | 0
    third = (rotate(i, 1) + rotate(j, 7) + rotate(k, 12) + rotate(l, 18)) | 0
  }
  hash = (hash + length) | 0
  twin = (twin + length) | 0
  third = (third + length) | 0
  for (const end = length - 3; at < end; at += 4) {
    const w = codeAt(text, at)
    const x = codeAt(text, at + 1)
    const y = codeAt(text, at + 2)
    const z = codeAt(text, at + 3)
    codes |= w | x | y | z
    const four = w | (x << 8) | (y << 16) | (z << 24)
    printable &= printableIn(four)
    brace |= bracesIn(four)
    const word = Math.imul(four, P3)
    hash = Math.imul(rotate((hash + word) | 0, 17), P4)
    twin = Math.imul(rotate((twin + word) | 0, 17), P4)
    third = Math.imul(rotate((third + word) | 0, 17), P4)
  }
  for (; at < length; at++) {
    const code = codeAt(text, at)
    codes |= code
    printable &= printableIn(Math.imul(code, 0x01010101))
    brace |= bracesIn(code)
    const word = Math.imul(code, P5)
    hash = Math.imul(rotate((hash + word) | 0, 11), P1)
    twin = Math.imul(rotate((twin + word) | 0, 11), P1)
    third = Math.imul(rotate((third + word) | 0, 11), P1)
  }
  if (codes > 127) return 0
  into[0] = finish(hash)
  into[1] = finish(twin)
  into[2] = finish(third)
  const whole = (printable & TOP_BITS) === TOP_BITS ? PRINTABLE : 0
  return ASCII | whole | ((brace & TOP_BITS) === 0 ? UNTAGGED : 0)
}
