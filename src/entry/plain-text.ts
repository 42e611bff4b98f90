import { Buffer } from 'node:buffer'
import { hasNoLoneSurrogate, hasPart, partOf } from '../base/text.ts'

/** How many characters are looked at together. */
const PIECE = 16_384

const bytes = Buffer.alloc(PIECE)
const words = new Int32Array(bytes.buffer, bytes.byteOffset, PIECE / 4)

/**
 * Whether a text is its own JSON form, but for the quotes around it: no quotes or backslashes, no control characters, no lone
 * surrogates.
 *
 * Much faster than `JSON.stringify`, which looks at one character after another: the first two are found by the library's
 * search; for control characters four bytes are looked at together. After "Determine if a word has a byte less than n" in
 * Anderson, Bit Twiddling Hacks (https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord).
 */
export function isPlainText(text: string): boolean {
  if (hasPart(text, '"') || hasPart(text, '\\') || !hasNoLoneSurrogate(text)) return false
  for (let from = 0; from < text.length; from += PIECE) {
    const piece = from === 0 && text.length <= PIECE ? text : partOf(text, from, from + PIECE)
    // What is beyond Latin-1 loses its upper byte: it may look like a control character, and none of those is lost.
    if (hasControls(bytes.write(piece, 0, 'latin1'))) return false
  }
  return true
}

function hasControls(length: number): boolean {
  let low = 0
  const whole = length >>> 2
  for (let at = 0; at < whole; at++) {
    const word = words[at] as number
    low |= (word - 0x20202020) & ~word
  }
  for (let at = whole << 2; at < length; at++) {
    const byte = bytes[at] as number
    low |= (byte - 0x20) & ~byte
  }
  return (low & (0x80808080 | 0)) !== 0
}
