import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeJson } from '../../src/entry/codec.ts'
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
