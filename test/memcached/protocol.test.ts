import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expiresField } from '../../src/memcached/expires.ts'
import { keyError } from '../../src/memcached/items.ts'
import { MAX_OPAQUE, OPCODE, ProtocolFault, Replies, encode, nextOpaque } from '../../src/memcached/protocol.ts'
import { largestValue, toIdentity, toInfo } from '../../src/memcached/stats.ts'
import { bytesOf, frameOf, type Frame } from './frame.ts'

const SEED = 20_240_811

/** What is to be seen of a frame. */
function seen({ extras, key, ...rest }: Frame): object {
  return { ...rest, extrasLength: extras.length, keyLength: key.length, key: key.toString() }
}

const bytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array))
const frame = fc.record({
  opcode: fc.nat(0x21),
  status: fc.nat(0xffff),
  opaque: fc.nat(0xffffffff),
  cas: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  extras: bytes(8),
  key: bytes(250),
  value: bytes(2_000),
})

describe('Replies', () => {
  it('gives the same replies however the bytes were cut', () => {
    const property = fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.nat(500)), (frames, cuts) => {
      const whole = Buffer.concat(frames.map(bytesOf))
      const replies = new Replies()
      const got: unknown[] = []
      let at = 0
      for (const cut of [...cuts, whole.length]) {
        got.push(...replies.push(whole.subarray(at, at + cut)).map(frameOf))
        at += cut
      }
      expect(got).toEqual(frames.map(seen))
    })
    fc.assert(property, { seed: SEED, numRuns: 300 })
  })

  it('gives the same replies byte by byte', () => {
    const one: Frame = {
      opcode: 12,
      status: 0,
      opaque: 7,
      cas: 1n,
      extras: Buffer.alloc(4),
      key: Buffer.from('k'),
      value: Buffer.from('value'),
    }
    const replies = new Replies()
    const got = [...bytesOf(one), ...bytesOf(one)].flatMap((byte) => replies.push(Buffer.from([byte])).map(frameOf))
    expect(got).toEqual([seen(one), seen(one)])
  })

  it.each<[string, (header: Buffer) => void]>([
    ['a request', (header) => header.writeUInt8(0x80, 0)],
    ['text', (header) => header.write('VALUE k 0 5\r\nvalue\r\nEND\r\n', 0)],
    ['an unknown data type', (header) => header.writeUInt8(1, 5)],
    ['lengths that contradict', (header) => header.writeUInt16BE(9, 2)],
    ['an impossible length', (header) => header.writeUInt32BE(0x7fffffff, 8)],
  ])('refuses %s', (_, damage) => {
    const header = Buffer.alloc(32)
    header.writeUInt8(0x81, 0)
    header.writeUInt32BE(8, 8)
    damage(header)
    expect(() => new Replies().push(header)).toThrow(ProtocolFault)
  })
})

describe('encode', () => {
  it('writes a get and a set, byte by byte', () => {
    const value = Buffer.from('xyz')
    const bytes = encode(
      [
        { opcode: OPCODE.get, key: 'é' },
        { opcode: OPCODE.set, key: 'k', value, expires: 2 },
      ],
      MAX_OPAQUE,
    )
    const get = '80 0c 0002 00 00 0000 00000002 7fffffff 0000000000000000 c3a9'
    const set = '80 01 0001 08 00 0000 0000000c 00000000 0000000000000000 00000000 00000002 6b 78797a'
    expect(bytes.toString('hex')).toBe(`${get}${set}`.replaceAll(' ', ''))
  })

  it('writes a delete of what has not changed since, byte by byte', () => {
    const bytes = encode([{ opcode: OPCODE.delete, key: 'k', cas: 0x0102030405060708n }], 5)
    const expected = '80 04 0001 00 00 0000 00000001 00000005 0102030405060708 6b'
    expect(bytes.toString('hex')).toBe(expected.replaceAll(' ', ''))
  })

  it('counts to 31 bits and starts again', () => {
    expect(nextOpaque(0)).toBe(1)
    expect(nextOpaque(MAX_OPAQUE - 1)).toBe(2 ** 31 - 1)
    expect(nextOpaque(MAX_OPAQUE)).toBe(0)
  })
})

describe('expiresField', () => {
  const DAY = 86_400_000
  const now = (): number => 1_800_000_000.4

  it('rounds up, adds the tick that is under way, and is never 0', () => {
    expect([1, 999, 1_000, 1_001, 1_500, 60_000].map((ttl) => expiresField(ttl, now))).toEqual([2, 2, 2, 3, 3, 61])
  })

  it('is a date of the server beyond 30 days, and fits 31 bits', () => {
    expect(expiresField(30 * DAY - 1_000, now)).toBe(30 * 86_400)
    expect(expiresField(30 * DAY, now)).toBe(1_800_000_001 + 30 * 86_400 + 1)
    expect(expiresField(40 * DAY, now)).toBe(1_800_000_001 + 40 * 86_400 + 1)
    expect(expiresField(36_525 * DAY, now)).toBe(2 ** 31 - 1)
  })

  it('is never immortal and never in the past, for any TTL', () => {
    const property = fc.property(fc.integer({ min: 1, max: 36_525 * DAY }), (ttl) => {
      const field = expiresField(ttl, now)
      expect(field > 0 && (field <= 30 * 86_400 || field > now())).toBe(true)
    })
    fc.assert(property, { seed: SEED, numRuns: 1_000 })
  })
})

describe('keyError', () => {
  it.each(['k', 'x'.repeat(250), 'é'.repeat(125), '鍵'.repeat(83), '__proto__', '{a}b'])('takes %s', (key) => {
    expect(keyError(key)).toBeUndefined()
  })
  it.each(['', 'x'.repeat(251), 'é'.repeat(126), 'a b', 'a\r\nb', 'a\0', '\x7f', '\ud800'])('refuses %j', (key) => {
    expect(keyError(key)?.code).toBe('ERR_NODE')
  })
})

describe('stats', () => {
  const stats = { pid: '7', time: '1000', uptime: '10', version: '1.6', curr_items: '3', bytes: '99' }

  it('give the run id from the process id and the start', () => {
    const identity = { runId: '7:990', role: 'primary', version: '1.6', uptime: 7_000, empty: false }
    const info = toInfo(stats, 'h:1')
    expect(info).toEqual({ ...identity, keys: 3, bytes: 99 })
    expect(toIdentity(info)).toEqual(identity)
    expect(toInfo({ ...stats, time: '1060', uptime: '70' }, 'h:1').runId).toBe('7:990')
  })

  it('give the time since the start, of which memcached may say three seconds too much, and whether there is nothing', () => {
    expect(toInfo({ ...stats, uptime: '3', curr_items: '0' }, 'h:1')).toMatchObject({ uptime: 0, empty: true })
    expect(toInfo({ ...stats, uptime: '2' }, 'h:1')).toMatchObject({ uptime: 0, empty: false })
    expect(toInfo({ ...stats, uptime: '63' }, 'h:1')).toMatchObject({ uptime: 60_000 })
  })

  it('that say nothing are an error that names the place', () => {
    expect(() => toInfo({}, 'h:1')).toThrow('h:1')
    expect(() => toInfo({ ...stats, pid: 'x' }, 'h:1')).toThrow('"pid"')
  })

  it('give the largest value, if it is sensible', () => {
    expect(largestValue({ item_size_max: '1048576' })).toBe(1_047_552)
    expect(largestValue({})).toBeUndefined()
    expect(largestValue({ item_size_max: '10' })).toBeUndefined()
  })
})
