import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadHash } from '../../src/base/hash.ts'
import {
  HEADER_BYTES,
  isVersionOf,
  newVersion,
  readEnvelope,
  VERSION_BYTES,
  writeEnvelope,
} from '../../src/entry/envelope.ts'
import type { Header, ReadEnvelope } from '../../src/entry/envelope.ts'
import { xxh32 } from '../placement/xxh32.ts'

const hash = await loadHash()

const header: Header = {
  kind: 'value',
  compressed: false,
  writtenAt: 0x0102_0304_0506,
  entryUntil: 0x0708_090a_0b0c,
  loadTime: 0x0d0e_0f10,
  freshUntil: 0x0607_0809_0a0b,
  version: Uint8Array.from({ length: 12 }, (_, index) => 0xa0 + index),
  leaseUntil: 0xb1b2_b3b4_b5b6,
}
const payload = Buffer.from('{"id":1}')

/** Golden: format 1 as docs/envelope.md gives it. What is stored with one release is read with the next. */
const GOLDEN =
  'f5c50100' + // magic, format, flags
  '010203040506' + // written at
  '0708090a0b0c' + // entry until
  '0d0e0f10' + // load time
  'ba614c749254eb82' + // key check
  '0586c15a' + // payload check
  '060708090a0b' + // fresh until
  'a0a1a2a3a4a5a6a7a8a9aaab' + // version
  'b1b2b3b4b5b6' + // lease until
  '7b226964223a317d' // payload

const GOLDEN_NEGATIVE =
  'f5c501050102030405060708090a0b0c0d0e0f10c48a54c373d1737d1e2c498b060708090a0ba0a1a2a3a4a5a6a7a8a9aaabb1b2b3b4b5b6'

const ok = (read: ReadEnvelope): { header: Header; payload: Uint8Array } => {
  if (read.status !== 'ok') throw new Error(`read as ${read.status}`)
  return { header: { ...read.header, version: new Uint8Array(read.header.version) }, payload: read.payload }
}

describe('the envelope, format 1', () => {
  it('is written and read as the golden vector says', () => {
    expect(writeEnvelope(header, payload, 'user:1', hash).toString('hex')).toBe(GOLDEN)
    const read = ok(readEnvelope(Buffer.from(GOLDEN, 'hex'), 'user:1', hash))
    expect(read.header).toEqual(header)
    expect(Buffer.from(read.payload).toString()).toBe('{"id":1}')
  })

  it('as docs/envelope.md shows it', () => {
    const page = readFileSync(new URL('../../docs/envelope.md', import.meta.url), 'utf8')
    const vector = /```[^\n]*\n(f5c50100[^`]*)```/.exec(page)?.[1] ?? ''
    const hex = vector.split('\n').map((line) => line.split(' ')[0])
    expect(hex.join('')).toBe(GOLDEN)
  })

  it('also for a negative, compressed entry without payload under a namespaced key', () => {
    const negative: Header = { ...header, kind: 'negative', compressed: true }
    expect(writeEnvelope(negative, new Uint8Array(0), 'app:ключ', hash).toString('hex')).toBe(GOLDEN_NEGATIVE)
    expect(ok(readEnvelope(Buffer.from(GOLDEN_NEGATIVE, 'hex'), 'app:ключ', hash))).toEqual({
      header: negative,
      payload: Buffer.alloc(0),
    })
  })

  it('has checks that anybody can compute who has XXH32', () => {
    const bytes = Buffer.from(GOLDEN, 'hex')
    expect(bytes.readUInt32BE(20)).toBe(xxh32(Buffer.from('user:1'), 0x9e37_79b1))
    expect(bytes.readUInt32BE(24)).toBe(xxh32(Buffer.from('user:1'), 0x85eb_ca77))
    expect(bytes.readUInt32BE(28)).toBe(xxh32(bytes.subarray(56), xxh32(bytes.subarray(0, 28))))
  })

  it('has a header of 56 bytes, within the 64 that are promised', () => {
    expect(HEADER_BYTES).toBe(56)
    expect(HEADER_BYTES).toBeLessThanOrEqual(64)
    expect(writeEnvelope(header, new Uint8Array(0), 'k', hash)).toHaveLength(HEADER_BYTES)
  })

  it('takes times out of range to the nearest end, and whole milliseconds', () => {
    const odd: Header = {
      ...header,
      writtenAt: -5,
      freshUntil: 7.9,
      entryUntil: 1e300,
      leaseUntil: 2 ** 48,
      loadTime: 1e12,
    }
    const read = ok(readEnvelope(writeEnvelope(odd, payload, 'k', hash), 'k', hash)).header
    expect([read.writtenAt, read.freshUntil, read.entryUntil, read.leaseUntil, read.loadTime]).toEqual([
      0,
      7,
      2 ** 48 - 1,
      2 ** 48 - 1,
      2 ** 32 - 1,
    ])
    expect(
      ok(readEnvelope(writeEnvelope({ ...header, loadTime: 0.4 }, payload, 'k', hash), 'k', hash)).header.loadTime,
    ).toBe(0)
  })

  it('does not share memory with the payload it was given', () => {
    const mine = Buffer.from('abc')
    const bytes = writeEnvelope(header, mine, 'k', hash)
    mine.fill(0)
    expect(Buffer.from(ok(readEnvelope(bytes, 'k', hash)).payload).toString()).toBe('abc')
  })

  it('is read from a plain Uint8Array, and from a view into a larger buffer', () => {
    const bytes = Buffer.from(GOLDEN, 'hex')
    const whole = new Uint8Array(bytes.length + 20).fill(9)
    whole.set(bytes, 7)
    expect(ok(readEnvelope(whole.subarray(7, 7 + bytes.length), 'user:1', hash)).header).toEqual(header)
    expect(readEnvelope(whole, 'user:1', hash).status).toBe('corrupt')
  })
})

describe('what is not a whole envelope of this key', () => {
  const bytes = Buffer.from(GOLDEN, 'hex')

  it('with another key: wrong-key, whatever differs', () => {
    for (const key of ['user:2', 'user:1 ', 'User:1', 'app:user:1', '', 'user:1\0'])
      expect(readEnvelope(bytes, key, hash)).toEqual({ status: 'wrong-key' })
  })

  it('truncated at any length: corrupt', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(readEnvelope(bytes.subarray(0, length), 'user:1', hash)).toEqual({ status: 'corrupt' })
  })

  it('with anything appended: corrupt', () => {
    for (const more of [1, 2, 8, 100]) {
      const longer = Buffer.concat([bytes, Buffer.alloc(more)])
      expect(readEnvelope(longer, 'user:1', hash)).toEqual({ status: 'corrupt' })
    }
  })

  it('with any byte changed to any other: never a throw, and never another payload, kind, key or other time', () => {
    // Bytes 32 to 55 lie outside the check, since scripts on a server change them in place: fresh-until, version and
    // lease-until may read differently, and nothing else.
    const open = { freshUntil: [32, 38], version: [38, 50], leaseUntil: [50, 56] } as const
    const copy = Buffer.from(bytes)
    for (let at = 0; at < bytes.length; at++) {
      const right = bytes[at] as number
      for (let wrong = 0; wrong < 256; wrong++) {
        if (wrong === right) continue
        copy[at] = wrong
        const read = readEnvelope(copy, 'user:1', hash)
        if (at < 32 || at >= 56) {
          expect(read.status, `byte ${at} as ${wrong}`).toBe('corrupt')
        } else if (read.status === 'ok') {
          const [field] = Object.entries(open).find(([, [from, to]]) => at >= from && at < to) ?? ['none']
          const found = ok(read)
          expect({ ...found.header, [field]: undefined }).toEqual({ ...header, [field]: undefined })
          expect(found.header.freshUntil).toBeLessThanOrEqual(header.entryUntil)
          expect(Buffer.from(found.payload).equals(payload)).toBe(true)
        } else expect(read.status).toBe('corrupt')
      }
      copy[at] = right
    }
  })

  it('with a fresh-until beyond the end of the entry: corrupt', () => {
    const beyond = writeEnvelope({ ...header, freshUntil: header.entryUntil + 1 }, payload, 'k', hash)
    expect(readEnvelope(beyond, 'k', hash)).toEqual({ status: 'corrupt' })
    const equal = writeEnvelope({ ...header, freshUntil: header.entryUntil }, payload, 'k', hash)
    expect(readEnvelope(equal, 'k', hash).status).toBe('ok')
  })

  it('of a later format, or with a kind or flag that is not known, even when the check is right: corrupt', () => {
    for (const [at, value] of [
      [2, 0],
      [2, 2],
      [2, 255],
      [3, 3],
      [3, 8],
      [3, 0x10],
      [3, 0x80],
    ] as const) {
      const other = Buffer.from(bytes)
      other[at] = value
      other.writeUInt32BE(xxh32(other.subarray(56), xxh32(other.subarray(0, 28))), 28)
      expect(readEnvelope(other, 'user:1', hash)).toEqual({ status: 'corrupt' })
    }
  })

  it('two halves of two envelopes: corrupt', () => {
    const other = writeEnvelope({ ...header, writtenAt: 5 }, Buffer.from('{"id":2}'), 'user:1', hash)
    for (let cut = 1; cut < bytes.length; cut++) {
      const mixed = Buffer.concat([bytes.subarray(0, cut), other.subarray(cut)])
      // Both agree from byte 32 to 55, so a cut between them joins a whole head to a whole tail, which do not fit.
      if (!mixed.equals(bytes) && !mixed.equals(other))
        expect(readEnvelope(mixed, 'user:1', hash), `cut at ${cut}`).toEqual({ status: 'corrupt' })
    }
  })

  it('random bytes, with and without a right beginning: corrupt, never a throw', () => {
    for (let round = 0; round < 5_000; round++) {
      const junk = randomBytes(round % 120)
      expect(readEnvelope(junk, 'user:1', hash)).toEqual({ status: 'corrupt' })
      if (junk.length < 4) continue
      bytes.copy(junk, 0, 0, 4)
      expect(readEnvelope(junk, 'user:1', hash)).toEqual({ status: 'corrupt' })
    }
  })

  it.each(['null', '{"id":1}', '"text"', 'END\r\n', '$5\r\nhello\r\n'])('the raw value %s: corrupt', (text) => {
    expect(readEnvelope(Buffer.from(text.padEnd(80)), 'user:1', hash)).toEqual({ status: 'corrupt' })
  })
})

const WRITER = Uint8Array.of(1, 2, 3)

describe('newVersion', () => {
  it('has twelve bytes, the time first', () => {
    const version = Buffer.from(newVersion(0x0102_0304_0506, WRITER))
    expect(version).toHaveLength(VERSION_BYTES)
    expect(version.subarray(0, 6).toString('hex')).toBe('010203040506')
    expect([isVersionOf(version, 0, WRITER), isVersionOf(version, 0, Uint8Array.of(1, 2, 4))]).toEqual([true, false])
  })

  it('the later one is the greater one, byte by byte', () => {
    const times = [
      0,
      1,
      255,
      256,
      65_535,
      2 ** 32 - 1,
      2 ** 32,
      Date.UTC(2026, 0, 1),
      Date.UTC(2026, 0, 2),
      2 ** 48 - 1,
    ]
    const versions = times.map((time) => newVersion(time, WRITER))
    for (let index = 1; index < versions.length; index++)
      expect(Buffer.compare(versions[index] as Uint8Array, versions[index - 1] as Uint8Array)).toBe(1)
  })

  it('never gives one twice, and earlier ones do not change', () => {
    const versions = Array.from({ length: 10_000 }, () => newVersion(1_000, WRITER))
    const seen = new Set(versions.map((version) => Buffer.from(version).toString('hex')))
    expect(seen.size).toBe(versions.length)
  })
})
