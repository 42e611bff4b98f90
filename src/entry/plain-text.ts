import { Buffer } from 'node:buffer'
import { hasNoLoneSurrogate, hasPart, partOf } from '../base/text.ts'
import { startOf, viewOf } from '../base/view.ts'

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

const QUOTE = 0x22

/**
 * Writes a text in quotes, if that is its JSON form and it is ASCII. Says whether it is; if not, anything may stand there.
 *
 * @param at where in the bytes, which have room for it and its quotes
 */
export function writePlainText(text: string, bytes: Buffer, at: number): boolean {
  const { length } = text
  // What is not ASCII takes more bytes than there are characters: either they do not fit, or they show.
  if (bytes.write(text, at + 1, length) !== length) return false
  bytes[at] = bytes[at + 1 + length] = QUOTE
  const view = viewOf(bytes)
  let place = startOf(bytes) + at + 1
  const end = place + length
  let found = 0
  // Four words at a time: V8 makes sure anew each time round that the view is one.
  for (const last = end - 16; place <= last; place += 16) {
    const a = specialIn(view.getInt32(place, true))
    const b = specialIn(view.getInt32(place + 4, true))
    const c = specialIn(view.getInt32(place + 8, true))
    found |= a | b | c | specialIn(view.getInt32(place + 12, true))
  }
  for (const last = end - 4; place <= last; place += 4) found |= specialIn(view.getInt32(place, true))
  for (; place < end; place++) found |= specialIn(view.getUint8(place) | 0x20202000)
  return (found & 0x80808080) === 0
}

/**
 * The top bit of some byte is set if one of the four is no ASCII, a control character, a quote, or a backslash: what is
 * subtracted is less than 128 where they are ASCII, and 128 minus it keeps that bit only for 0.
 */
function specialIn(word: number): number {
  return word | (word - 0x20202020) | (0x80808080 - (word ^ 0x22222222)) | (0x80808080 - (word ^ 0x5c5c5c5c))
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
