import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonCodec, type Codec } from '../../src/entry/codec.ts'
import { DEFAULT_FORM, type Form } from '../../src/entry/form.ts'
import { plainOf } from '../../src/entry/payload.ts'
import { trip, type Tripped } from '../../src/loading/trip.ts'

/** The same codec, but not known to be. */
const other: Codec = { encode: (value) => jsonCodec.encode(value), decode: (bytes) => jsonCodec.decode(bytes) }

function through(raw: unknown, codec: Codec): { value: unknown; bytes: string } | { error: unknown } {
  const form: Form = { ...DEFAULT_FORM, codec }
  try {
    const { value, payload } = trip(raw, 'key', form) as Tripped
    const plain = plainOf(payload)
    return { value, bytes: Buffer.from(typeof plain === 'string' ? Buffer.from(plain) : plain).toString('hex') }
  } catch (error) {
    return { error }
  }
}

describe('a loaded value on its way through JSON', () => {
  it('comes back, and is written, as by the codec', () => {
    const values = fc.oneof(fc.anything(), fc.string({ unit: 'binary' }), fc.constant('\ud800 \u2028 -0'), fc.double())
    fc.assert(
      fc.property(values, (raw) => {
        expect(through(raw, jsonCodec)).toEqual(through(raw, other))
      }),
      { seed: 1, numRuns: 2_000 },
    )
  })

  it('has a circle, or no JSON form: the same errors', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    for (const raw of [circle, undefined, () => 1, Symbol('s'), 1n]) {
      expect(through(raw, jsonCodec)).toEqual(through(raw, other))
      expect(through(raw, jsonCodec)).toHaveProperty('error')
    }
  })
})
