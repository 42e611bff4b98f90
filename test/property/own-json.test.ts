import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeJson, decodeOwnJson, encodeJson } from '../../src/entry/codec.ts'

const FROM = 56
const RUNS = { seed: 11, numRuns: 1_000 }

const behindHeader = (text: string): Buffer => Buffer.concat([Buffer.alloc(FROM, 0x22), Buffer.from(text)])
const long = fc
  .tuple(fc.string({ unit: 'binary' }), fc.integer({ min: 400, max: 700 }), fc.string({ unit: 'binary' }))
  .map(([before, times, after]) => before + 'ab'.repeat(times) + after)

describe('what encodeJson wrote is read as JSON.parse reads it', () => {
  it('long texts, with quotes and backslashes anywhere', () => {
    const part = fc.constantFrom('"', '\\', '\n', 'é', '𝄞', 'x'.repeat(300), '\u0000')
    fc.assert(
      fc.property(
        fc.oneof(
          long,
          fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
        ),
        (text) => {
          const bytes = behindHeader(encodeJson(text, 'key'))
          expect(decodeOwnJson(bytes, FROM)).toBe(JSON.parse(JSON.stringify(text)))
        },
      ),
      RUNS,
    )
  })

  it('anything', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.array(long, { maxLength: 3 }).map((list) => JSON.stringify(list)),
        ),
        (text) => {
          const bytes = behindHeader(text)
          expect(decodeOwnJson(bytes, FROM)).toEqual(decodeJson(bytes, FROM))
        },
      ),
      RUNS,
    )
  })

  it.each(['', '"', '""', `"${'x'.repeat(600)}`, `"${'x'.repeat(600)}" "`, `"${'x'.repeat(600)}\\"`])(
    'what is no JSON is none: %#',
    (text) => {
      const read = (decode: typeof decodeJson) => {
        try {
          return decode(behindHeader(text), FROM)
        } catch {
          return 'none'
        }
      }
      expect(read(decodeOwnJson)).toEqual(read(decodeJson))
    },
  )
})
