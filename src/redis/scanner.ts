import { Buffer } from 'node:buffer'

/** What is left of a reply has not arrived yet; see {@link Scanner.needed}. */
export const INCOMPLETE = -2
/** It is none. */
export const MALFORMED = -3

/** The first byte of a reply says what it is: https://redis.io/docs/latest/develop/reference/protocol-spec/ */
export const STATUS = 0x2b
export const ERROR = 0x2d
export const INTEGER = 0x3a
export const BULK = 0x24
export const LIST = 0x2a

const CR = 0x0d
const LF = 0x0a
const ZERO = 0x30
const UPPER_O = 0x4f
const UPPER_K = 0x4b

/** Redis' own bound on the length of a value (`proto-max-bulk-len`); and more than any list or number here has. */
const MOST = 512 * 1024 * 1024
/** Of the text of a status or an error, in bytes; Redis' own are shorter than a thousand. */
const LONGEST_LINE = 64 * 1024

/** Reads the parts of replies where they lie. */
export class Scanner {
  bytes: Buffer = Buffer.alloc(0)
  end = 0
  /** Where the next part begins. A method that does not succeed leaves it anywhere. */
  at = 0
  /** After `INCOMPLETE`: up to where bytes are needed, at least. */
  needed = 0

  begin(bytes: Buffer): void {
    this.bytes = bytes
    this.end = bytes.length
    this.at = 0
  }

  /** The number that stands here and ends its line: -1 where a length says that there is none. */
  number(): number {
    const { bytes, end } = this
    let at = this.at
    let number = 0
    for (; at < end; at++) {
      const digit = (bytes[at] as number) - ZERO
      if (digit < 0 || digit > 9) break
      number = number * 10 + digit
      if (number > MOST) return MALFORMED
    }
    if (at === this.at) return this.#none()
    return this.#endOfLine(at) ? number : this.#lacks(at, CR, LF)
  }

  #none(): number {
    const { at } = this
    return this.bytes[at] === ERROR && this.bytes[at + 1] === ZERO + 1 && this.#endOfLine(at + 2)
      ? -1
      : this.#lacks(at, ERROR, ZERO + 1, CR, LF)
  }

  #endOfLine(at: number): boolean {
    if (this.bytes[at] !== CR || this.bytes[at + 1] !== LF) return false
    this.at = at + 2
    return true
  }

  /** Whether what should stand at `at` is only not here yet. */
  #lacks(at: number, ...wanted: readonly number[]): typeof INCOMPLETE | typeof MALFORMED {
    const { bytes, end } = this
    if (wanted.some((byte, i) => at + i < end && bytes[at + i] !== byte)) return MALFORMED
    this.needed = end + 1
    return INCOMPLETE
  }

  /** Steps over a value of so many bytes and the end of its line. Gives where it begins. */
  skip(length: number): number {
    const from = this.at
    const to = from + length
    if (to + 2 > this.end) {
      this.needed = to + 2
      return INCOMPLETE
    }
    return this.#endOfLine(to) ? from : MALFORMED
  }

  /** Steps over `OK`, and the end of its line, if that is what stands here: no text has to be made of what every write brings. */
  ok(): boolean {
    const { bytes, at } = this
    return bytes[at] === UPPER_O && bytes[at + 1] === UPPER_K && this.#endOfLine(at + 2)
  }

  /** Steps over the rest of a line. Gives where it ends. */
  line(): number {
    const to = this.bytes.indexOf(CR, this.at)
    const length = (to === -1 ? this.end : to) - this.at
    if (length > LONGEST_LINE) return MALFORMED
    if (to === -1) {
      this.needed = this.end + 1
      return INCOMPLETE
    }
    return this.#endOfLine(to) ? to : this.#lacks(to, CR, LF)
  }

  /** Steps over one reply that is no list. Gives less than 0 when that did not succeed. */
  reply(): number {
    const type = this.bytes[this.at++]
    if (type === STATUS || type === ERROR || type === INTEGER) return this.line()
    if (type !== BULK) return MALFORMED
    const length = this.number()
    return length === -1 ? 0 : length < 0 ? length : this.skip(length)
  }
}
