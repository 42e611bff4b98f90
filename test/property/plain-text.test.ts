import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeJson } from '../../src/entry/codec.ts'
import { loadHash } from '../../src/base/hash.ts'
import { DEFAULT_FORM, encodePayload, pack, type PackOptions } from '../../src/entry/form.ts'
import { frameText, Framed } from '../../src/entry/payload.ts'
import { isPlainText } from '../../src/entry/plain-text.ts'

const settings = { seed: 20261121, numRuns: 3_000 }

/** Every character that JSON escapes, and their neighbours; some whose lower byte is one of them. */
const ODD = ['"', '\\', '\u0000', '\b', '\n', '\u001f', '\ud800', '\udfff', '\ud83d\udd11']
const EVEN = [
  'a',
  ' ',
  '!',
  '#',
  '[',
  ']',
  '\u007f',
  '\u0080',
  '\u009f',
  'ÿ',
  'Ģ',
  'Ĝ',
  '\u2028',
  '\ud7ff',
  '\ue000',
  '€',
]
const LENGTHS = [0, 1, 2, 3, 4, 5, 7, 8, 99, 16_383, 16_384, 16_385, 40_000]

const plainByJson = (text: string): boolean => JSON.stringify(text) === `"${text}"`

describe('a text is its own JSON form', () => {
  it('if JSON.stringify says so', () => {
    const text = fc.string({ maxLength: 30, unit: fc.constantFrom('x', ...ODD, ...EVEN, ...EVEN) })
    fc.assert(
      fc.property(text, (given) => {
        if (isPlainText(given)) expect(plainByJson(given)).toBe(true)
        expect(encodeJson(given, 'k')).toBe(JSON.stringify(given))
      }),
      settings,
    )
  })

  it('whatever stands wherever in it', () => {
    for (const length of LENGTHS) {
      const text = 'x'.repeat(length)
      expect(isPlainText(text)).toBe(true)
      for (const at of [0, 1, 2, 3, length >> 1, length - 2, length - 1].filter((one) => one >= 0 && one < length)) {
        for (const one of [...ODD, ...EVEN]) {
          const given = text.slice(0, at) + one + text.slice(at + 1)
          if (isPlainText(given) && !plainByJson(given)) expect.fail(`${length} characters, at ${at}: ${escape(one)}`)
          expect(encodeJson(given, 'k')).toBe(JSON.stringify(given))
        }
      }
    }
  })

  it('for every single code unit below 0x300, and none that is escaped is taken for plain', () => {
    for (let code = 0; code < 0x300; code++) {
      const given = `ab${String.fromCharCode(code)}cd`
      if (code < 0x100) expect(isPlainText(given)).toBe(plainByJson(given))
      else expect(encodeJson(given, 'k')).toBe(JSON.stringify(given))
    }
  })
})

describe('a short text is written where it goes', () => {
  const ascii = (text: string): boolean => Buffer.byteLength(text) === text.length
  const framed = (text: string): string | undefined => {
    const frame = frameText(text)
    return frame && Buffer.from(frame.plain).toString('latin1')
  }
  const expected = (text: string): string | undefined => (ascii(text) && plainByJson(text) ? `"${text}"` : undefined)

  it('if it is ASCII, and its own JSON form', () => {
    const text = fc.string({ maxLength: 40, unit: fc.constantFrom('x', 'y', 'z', '\u007f', ...ODD, ...EVEN) })
    const plain = fc.string({ maxLength: 40 })
    fc.assert(
      fc.property(fc.oneof(text, plain), (given) => {
        expect(framed(given)).toBe(expected(given))
      }),
      settings,
    )
  })

  it('whatever stands wherever in it', () => {
    for (let length = 1; length <= 40; length++) {
      const text = 'x'.repeat(length)
      expect(framed(text)).toBe(`"${text}"`)
      for (let at = 0; at < length; at++) {
        for (let code = 0; code < 0x180; code++) {
          const given = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1)
          if (framed(given) !== expected(given)) expect.fail(`${length} characters, at ${at}: ${code}`)
        }
      }
    }
  })

  it('up to 512 characters', () => {
    expect(framed('x'.repeat(512))).toBe(`"${'x'.repeat(512)}"`)
    expect(framed('x'.repeat(513))).toBeUndefined()
  })

  it('and gives the bytes of an envelope into which it is copied, also the second time', async () => {
    const hash = await loadHash()
    const options: PackOptions = {
      kind: 'value',
      ttl: 1_000,
      window: 500,
      loadTime: 7,
      now: Date.UTC(2026, 0, 1),
      writer: Uint8Array.of(1, 2, 3),
    }
    // Of the version the count differs, and it lies outside the check.
    const packed = (payload: Parameters<typeof pack>[1]): string => {
      const bytes = Buffer.from(pack(DEFAULT_FORM, payload, 'user:1', options, hash))
      return bytes.fill(0, 47, 50).toString('hex')
    }
    const payload = encodePayload(DEFAULT_FORM, 'a short text', 'user:1')
    expect(payload).toBeInstanceOf(Framed)
    const first = packed(payload)
    expect(first).toBe(packed('"a short text"'))
    expect(packed(payload)).toBe(first)
    const [one, other] = [payload, payload].map((each) => pack(DEFAULT_FORM, each, 'user:1', options, hash))
    expect(one!.buffer === other!.buffer && one!.byteOffset === other!.byteOffset).toBe(false)
  })
})
