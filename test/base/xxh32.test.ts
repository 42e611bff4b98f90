import fc from 'fast-check'
import xxhash from 'xxhash-wasm'
import { describe, expect, it } from 'vitest'
import { hashTag } from '../../src/base/hash-tag.ts'
import { loadHash } from '../../src/base/hash.ts'
import { ASCII as IS_ASCII, keyXxh32, PRINTABLE, UNTAGGED } from '../../src/base/xxh32-many.ts'
import { bytesXxh32, shortXxh32 } from '../../src/base/xxh32.ts'
import { seededRandom } from '../../src/testing/index.ts'
import { xxh32 } from '../placement/xxh32.ts'

const hash = await loadHash()
const { h32, h32Raw } = await xxhash()
const settings = { seed: 20260501, numRuns: 2_000 }

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
const OTHERS = ['\u0080', 'é', 'ÿ', '\u0100', 'Ā', '\u017b', '\u7b7b', '\u8000', '€', '\ud83d\udd11', '\uffff']

/** What is to be said of a text that is short enough. */
function sayingOf(text: string): number {
  if (/[^\0-\x7f]/.test(text)) return 0
  return IS_ASCII | (/^[\x21-\x7e]*$/.test(text) ? PRINTABLE : 0) | (text.includes('{') ? 0 : UNTAGGED)
}

describe('XXH32 in JavaScript', () => {
  it('is what xxhash-wasm says, of a million texts, some of them not ASCII', () => {
    const random = seededRandom(32)
    const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] as string
    const wrong: string[] = []
    const both = new Int32Array(2)
    const all = new Int32Array(3)
    for (let i = 0; i < 1_000_000; i++) {
      let text = ''
      const length = Math.floor(random() * 64)
      while (text.length < length) text += random() < 0.01 ? pick(OTHERS) : pick(ASCII)
      const seed = i % 4 === 0 ? Math.floor(random() * 2 ** 32) : 0
      const right = h32(text, seed)
      hash.pair?.(text, seed, i, both)
      if (hash.text(text, seed) !== right || both[0] !== (right | 0)) wrong.push(text)
      if (i % 8 === 0 && both[1] !== (h32(text, i) | 0)) wrong.push(text)
      // Few of them are printable: those that are, and what is left of the others.
      const key = i % 2 === 0 ? text : text.replace(/[^\x21-\x7e]/g, '')
      const said = hash.key?.(key, seed, i, all)
      if (said !== (key.length <= 40 ? sayingOf(key) : 0)) wrong.push(key)
      else if (said !== 0 && i % 3 === 0) {
        const expected = [h32(key) | 0, h32(key, seed) | 0, h32(key, i) | 0]
        if (!expected.every((one, at) => all[at] === one)) wrong.push(key)
      }
    }
    expect(wrong).toEqual([])
  })

  it('is what the specification says, of every length', () => {
    const text = '0123456789abcdefghijklmnopqrstuvwxyz:/~!ABCDEFGHIJKLMNOPQRSTUVWXYZ'
    const all = new Int32Array(3)
    for (let length = 0; length <= text.length; length++) {
      const given = text.slice(0, length)
      for (const seed of [0, 1, 0x7fffffff, 0xffffffff]) {
        const said = shortXxh32(given, seed, true)
        expect(said).toBe(xxh32(Buffer.from(given), seed) | 0)
        expect(keyXxh32(given, ~seed, seed, all)).toBe(sayingOf(given))
        expect([...all]).toEqual([xxh32(Buffer.from(given), 0) | 0, xxh32(Buffer.from(given), ~seed) | 0, said])
      }
    }
  })

  it('of bytes is what xxhash-wasm says, of every length and any part', () => {
    const random = seededRandom(33)
    for (let i = 0; i < 20_000; i++) {
      const all = Uint8Array.from({ length: Math.floor(random() * 300) }, () => random() * 256)
      const start = Math.floor(random() * (all.length + 1))
      const end = start + Math.floor(random() * (all.length - start + 1))
      const seed = Math.floor(random() * 2 ** 32)
      expect(hash.bytes(all, seed, start, end)).toBe(h32Raw(all.subarray(start, end), seed))
      expect(hash.bytes(all)).toBe(h32Raw(all))
    }
  })

  it('leaves alone what is not ASCII, wherever that stands', () => {
    for (let length = 1; length <= 40; length++) {
      for (let at = 0; at < length; at++) {
        for (const other of OTHERS) {
          const text = 'a'.repeat(at) + other + 'a'.repeat(length - at - 1)
          expect(shortXxh32(text, 0, true)).toBeUndefined()
          expect(keyXxh32(text, 0, 1, new Int32Array(3))).toBe(0)
        }
      }
    }
  })

  it('says what a text is, whatever its one other character is, and wherever that stands', () => {
    const into = new Int32Array(3)
    for (let length = 1; length <= 40; length++) {
      for (let at = 0; at < length; at++) {
        for (const one of [...ASCII, ...OTHERS]) {
          const text = 'a'.repeat(at) + one + '~'.repeat(length - at - 1)
          if (keyXxh32(text, 0, 1, into) !== sayingOf(text)) expect.fail(JSON.stringify(text))
        }
      }
    }
  })

  it('leaves alone what has a brace, wherever that stands, and nothing else', () => {
    const text = fc.string({ maxLength: 40, unit: fc.constantFrom(...ASCII, '{', '}', 'z', '|') })
    fc.assert(
      fc.property(text, (given) => {
        expect(shortXxh32(given, 0, false) === undefined).toBe(given.includes('{'))
        expect(shortXxh32(given, 0, true)).toBeDefined()
      }),
      settings,
    )
  })
})

describe('bytes', () => {
  it.each([0, 31, 4_095, 4_096, 4_111, 65_535, 65_536, 65_537, 200_000])(
    '%d of them, wherever they stand',
    (length) => {
      const bytes = Buffer.alloc(length + 100, 'xxHash of what is long')
      const own = bytesXxh32(bytes, 7, 33, 33 + length) >>> 0
      expect(hash.bytes(bytes, 7, 33, 33 + length)).toBe(own)
      expect(h32Raw(bytes.subarray(33, 33 + length), 7)).toBe(own)
    },
  )
})

describe('the place of a key', () => {
  it('is the hash of its tag', () => {
    const key = fc.string({
      minLength: 1,
      maxLength: 60,
      unit: fc.constantFrom('a', 'b', '{', '}', ':', '1', 'é', '🔑'),
    })
    fc.assert(
      fc.property(key, (given) => {
        expect(hash.place?.(given)).toBe(h32(hashTag(given)) | 0)
      }),
      settings,
    )
  })
})
