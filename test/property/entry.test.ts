import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hashTag } from '../../src/base/hash-tag.ts'
import { loadHash } from '../../src/base/hash.ts'
import { encodeValue, jsonCodec, v8Codec } from '../../src/entry/codec.ts'
import { readEnvelope, writeEnvelope, type Header } from '../../src/entry/envelope.ts'
import { checkKey, storedKey } from '../../src/entry/key.ts'

const hash = await loadHash()
const settings = { seed: 20260103, numRuns: 500 }

const time = fc.maxSafeNat().map((value) => value % 2 ** 48)
const header: fc.Arbitrary<Header> = fc
  .record({
    kind: fc.constantFrom('value' as const, 'negative' as const, 'lease' as const),
    compressed: fc.boolean(),
    writtenAt: time,
    ends: fc.tuple(time, time),
    loadTime: fc.nat(2 ** 31 - 1),
    version: fc.uint8Array({ minLength: 12, maxLength: 12 }),
    leaseUntil: time,
  })
  .map(({ ends, ...rest }) => ({ ...rest, freshUntil: Math.min(...ends), entryUntil: Math.max(...ends) }))
const text = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).filter((each) => each.isWellFormed())
const payload = fc.uint8Array({ maxLength: 200 })

it('an envelope gives back what was put in, for its key alone', () => {
  fc.assert(
    fc.property(header, payload, text, text, (given, bytes, key, other) => {
      const envelope = writeEnvelope(given, bytes, key, hash)
      const read = readEnvelope(envelope, key, hash)
      expect(read.status).toBe('ok')
      if (read.status !== 'ok') return
      expect({ ...read.header, version: [...read.header.version] }).toEqual({ ...given, version: [...given.version] })
      expect([...read.payload]).toEqual([...bytes])
      if (other !== key) expect(readEnvelope(envelope, other, hash)).toEqual({ status: 'wrong-key' })
    }),
    settings,
  )
})

it('an envelope with any one byte of its checked parts changed is corrupt', () => {
  fc.assert(
    fc.property(header, payload, text, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, bytes, key, where, flip) => {
      const envelope = writeEnvelope(given, bytes, key, hash)
      const places = 32 + bytes.length
      const place = where % places
      const at = place < 32 ? place : place + 24
      envelope[at] = (envelope[at] as number) ^ flip
      expect(readEnvelope(envelope, key, hash)).toEqual({ status: 'corrupt' })
    }),
    settings,
  )
})

it('reading any bytes never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), text, (bytes, key) => {
      expect(readEnvelope(bytes, key, hash).status).toBe('corrupt')
    }),
    settings,
  )
})

it('a stored key is legal everywhere, short enough, and keeps a tag that fits', () => {
  const piece = fc.constantFrom('a', 'b', ':', '{', '}', ' ', '\r\n', '\0', 'é', '🔑', '\u00a0', 'x'.repeat(60))
  const key = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''))
  const namespace = fc.constantFrom('', 'app', 'n'.repeat(100))
  fc.assert(
    fc.property(key, namespace, (given, space) => {
      const stored = storedKey(checkKey(given), space)
      expect(storedKey(given, space)).toBe(stored)
      expect(Buffer.byteLength(stored)).toBeLessThanOrEqual(250)
      expect(stored).toMatch(/^[^\s\p{Cc}]+$/u)
      expect(stored.startsWith(space === '' ? '' : `${space}:`)).toBe(true)
      const tag = hashTag(given)
      if (tag !== given && /^[^\s\p{Cc}]+$/u.test(tag) && Buffer.byteLength(tag) <= 100)
        expect(hashTag(stored)).toBe(tag)
    }),
    settings,
  )
})

it('JSON gives back any JSON value, and v8 any plain one', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(jsonCodec.decode(encodeValue(jsonCodec, value, 'key'))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
    settings,
  )
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }), (value) => {
      if (value !== undefined) expect(v8Codec.decode(encodeValue(v8Codec, value, 'key'))).toEqual(value)
    }),
    settings,
  )
})
