import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sliceOf } from '../../src/base/slice.ts'
import { loadHash } from '../../src/base/hash.ts'
import { bytesCodec, jsonCodec, v8Codec, type Codec } from '../../src/entry/codec.ts'
import { checkCompression } from '../../src/entry/compression.ts'
import { Entry } from '../../src/entry/entry.ts'
import { DEFAULT_FORM, encodePayload, pack, unpack, type Form, type Unpacked } from '../../src/entry/form.ts'
import { isCompressed } from '../../src/entry/envelope.ts'
import { METHODS } from '../support/compression.ts'

const hash = await loadHash()
const NOW = Date.UTC(2026, 0, 1)
const KEY = 'app:user:1'
const settings = { seed: 20260301, numRuns: 400 }

const packed = (form: Form, value: unknown): Uint8Array => {
  const options = {
    kind: 'value',
    ttl: 60_000,
    window: 0,
    loadTime: 0,
    now: NOW,
    writer: Uint8Array.of(1, 2, 3),
  } as const
  return pack(form, encodePayload(form, value, 'user:1'), KEY, options, hash)
}
const read = (form: Form, bytes: Uint8Array): Unpacked => unpack(form, sliceOf(bytes), KEY, NOW, hash) as Unpacked
const valueOf = (unpacked: Unpacked): unknown => (unpacked instanceof Entry ? unpacked.value : unpacked.status)

const text = fc.string({ unit: 'binary', maxLength: 30 })
/** Some are worth compressing: pieces that come again and again, with characters of one to four bytes. */
const texts = fc
  .array(fc.constantFrom('lorem ipsum ', 'é', 'ß€', '🔑🔑', '\0', '"\\', 'x'.repeat(50)), { maxLength: 100 })
  .map((pieces) => pieces.join(''))
const json = fc.oneof(fc.jsonValue(), text, texts, fc.array(fc.record({ id: fc.nat(), name: text, tags: texts })))
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 3_000 }),
  fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(100)).map(([some, n]) => Buffer.concat(Array(n).fill(some))),
)

describe.each(METHODS)('with %s', (method) => {
  const levels = method === 'deflate' ? [1, 6, 9] : [1, 3, 19]
  const forms = fc
    .record({ above: fc.constantFrom(0, 1, 10, 1_024), level: fc.constantFrom(...levels) })
    .map(({ above, level }): Form => ({ ...DEFAULT_FORM, compression: checkCompression({ method, above, level }) }))
  let compressed = 0

  it.each<[string, Codec, fc.Arbitrary<unknown>, (value: unknown) => unknown]>([
    ['JSON', jsonCodec, json, (value) => JSON.parse(JSON.stringify(value)) as unknown],
    ['V8', v8Codec, json, (value) => value],
    ['bytes', bytesCodec as Codec, bytes, (value) => Buffer.from(value as Uint8Array)],
  ])('any value comes back, to whoever reads it: %s', (_, codec, values, expected) => {
    fc.assert(
      fc.property(forms, values, (form, value) => {
        const given = { ...form, codec }
        const stored = packed(given, value)
        if (isCompressed(sliceOf(stored))) compressed++
        const plain = { ...DEFAULT_FORM, codec }
        for (const reader of [given, plain]) expect(valueOf(read(reader, stored))).toEqual(expected(value))
        expect(stored.length).toBeLessThanOrEqual(packed(plain, value).length)
        // What L1 is charged with is the same either way.
        expect(read(given, stored)).toMatchObject({ size: packed(plain, value).length })
      }),
      settings,
    )
    expect(compressed).toBeGreaterThan(20)
  })

  it('a byte that is changed never gives another value', () => {
    fc.assert(
      fc.property(forms, texts, fc.nat(), fc.integer({ min: 1, max: 255 }), (form, value, where, flip) => {
        const stored = packed(form, value)
        const at = where % stored.length
        stored[at] = (stored[at] as number) ^ flip
        // What a script changes in place is under no check, and no value hangs on it.
        const expected = at >= 32 && at < 56 ? [value, 'corrupt'] : ['corrupt']
        expect(expected).toContainEqual(valueOf(read(form, stored)))
      }),
      settings,
    )
  })

  it('a byte that is changed before the check is made never throws', () => {
    fc.assert(
      fc.property(forms, texts, fc.nat(), fc.integer({ min: 1, max: 255 }), (form, value, where, flip) => {
        const { payload, header } = split(packed(form, value))
        payload[where % payload.length] = (payload[where % payload.length] as number) ^ flip
        const again = Buffer.concat([header, payload])
        again.writeUInt32BE(hash.bytes(again, hash.bytes(again, 0, 0, 28), 56, again.length), 28)
        const unpacked = read(form, again)
        expect(unpacked instanceof Entry || ['corrupt', 'unsupported'].includes(unpacked.status)).toBe(true)
      }),
      settings,
    )
  })
})

function split(stored: Uint8Array): { header: Uint8Array; payload: Uint8Array } {
  return { header: stored.subarray(0, 56), payload: stored.subarray(56) }
}
