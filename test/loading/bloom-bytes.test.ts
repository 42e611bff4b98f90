import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bloomFilter, restoreBloomFilter, type BloomFilter } from '../../src/loading/bloom.ts'
import { xxh32 } from '../placement/xxh32.ts'

const HEADER = 16
const FIRST_SLICE = HEADER

async function filterOf(count: number, falsePositives = 0.01): Promise<BloomFilter> {
  const filter = await bloomFilter({ expected: 1, falsePositives })
  for (let i = 0; i < count; i++) filter.add(`user:${i}`)
  return filter
}

/** The bytes with something else in them, and a check that fits. */
function forged(bytes: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = Buffer.from(bytes)
  const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength)
  change(view)
  const end = copy.length - 4
  let check = 0
  for (let at = 0; at < end; at += 65_536) check = xxh32(copy.subarray(at, Math.min(end, at + 65_536)), check)
  view.setUint32(end, check)
  return copy
}

async function refused(bytes: Uint8Array, why = ''): Promise<void> {
  await expect(restoreBloomFilter(bytes)).rejects.toMatchObject({
    code: 'ERR_OPTION',
    message: expect.stringContaining(`these are not the bytes of a Bloom filter: ${why}`) as string,
  })
}

describe('a filter as bytes', () => {
  it.each([0, 1, 1_000, 1_001, 3_000, 60_000])('of %i keys comes back as it was, and goes on', async (count) => {
    const filter = await filterOf(count)
    const bytes = filter.serialize()
    const restored = await restoreBloomFilter(bytes)
    const { size, falsePositives } = filter
    expect(restored).toMatchObject({ size, falsePositives, bytes: filter.bytes })
    expect(bytes.length - filter.bytes).toBeLessThan(300)
    for (let i = 0; i < count + 1_000; i++) {
      expect(restored.mayExist(`user:${i}`)).toBe(filter.mayExist(`user:${i}`))
    }
    for (let i = 0; i < 2_000; i++) {
      filter.add(`later:${i}`)
      restored.add(`later:${i}`)
    }
    expect(Buffer.from(restored.serialize()).equals(filter.serialize())).toBe(true)
  })

  it('shares nothing with the bytes', async () => {
    const filter = await filterOf(10)
    const bytes = filter.serialize()
    const restored = await restoreBloomFilter(bytes)
    bytes.fill(0)
    expect(restored.mayExist('user:1')).toBe(true)
    filter.serialize().fill(0)
    expect(filter.mayExist('user:1')).toBe(true)
  })

  it('may lie anywhere in a buffer, and be a Buffer', async () => {
    const bytes = (await filterOf(10)).serialize()
    const behind = Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(9)]).subarray(7, 7 + bytes.length)
    expect((await restoreBloomFilter(behind)).mayExist('user:9')).toBe(true)
  })

  // A change of these makes filters unreadable that were stored by an earlier version: a major version.
  it('golden vector', async () => {
    const filter = await bloomFilter({ expected: 1_000, falsePositives: 0.01 })
    for (const key of ['user:1', 'ключ', '🔑', 'x'.repeat(300)]) filter.add(key)
    const bytes = Buffer.from(filter.serialize())
    expect(bytes.subarray(0, HEADER + 16).toString('hex')).toBe(
      '53434246010100003f847ae147ae147b0000000900000542000003e800000004',
    )
    expect(bytes.length).toBe(1551)
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      '5fb935e3740f7e784f5add6f57a962383aed7c898e59230f2cf4478ce1a45719',
    )
  })

  it('has the bits that the description gives', async () => {
    const key = 'ключ 🔑'
    const filter = await bloomFilter({ expected: 1_000, falsePositives: 0.01 })
    filter.add(key)
    const bytes = Buffer.from(filter.serialize())
    const [partitions, width] = [bytes.readUInt32BE(FIRST_SLICE), bytes.readUInt32BE(FIRST_SLICE + 4)]
    const expected = Array.from({ length: partitions }, (_, p) => p * width + described(key, p, width))
    const set = Array.from({ length: partitions * width }, (_, b) => b).filter(
      (b) => ((bytes[HEADER + 16 + Math.floor(b / 8)] as number) >> (b % 8)) % 2 === 1,
    )
    expect(set).toEqual(expected)
  })
})

/** The description in `bloom-bytes.ts`, in whole numbers of any size. */
function described(key: string, p: number, width: number): number {
  const wrap = (value: bigint): bigint => BigInt.asUintN(32, value)
  const h1 = BigInt(xxh32(Buffer.from(key)))
  let h2 = 0x811c9dc5n
  for (let i = 0; i < key.length; i++) {
    h2 = wrap((h2 ^ BigInt(key.charCodeAt(i))) * 0x9e3779b1n)
    h2 ^= h2 >> 15n
  }
  let x = wrap(h1 + BigInt(p) * h2)
  x = wrap((x ^ (x >> 16n)) * 0x21f0aaadn)
  x = wrap((x ^ (x >> 15n)) * 0x735a2d97n)
  return Number((x ^ (x >> 15n)) % BigInt(width))
}

describe('bytes that are not a filter', () => {
  it.each([undefined, null, 'SCBF', [1, 2], {}, new ArrayBuffer(100)])('%s rejects', async (given: unknown) => {
    await expect(restoreBloomFilter(given as Uint8Array)).rejects.toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining('bytes must be a Uint8Array; given: ') as string,
    })
  })

  it('cut short anywhere, or too long', async () => {
    const bytes = (await filterOf(1_500)).serialize()
    for (let length = 0; length < bytes.length; length++) await refused(bytes.subarray(0, length))
    await refused(Buffer.concat([bytes, Buffer.alloc(1)]), `they should be ${bytes.length} bytes`)
  })

  it('with any one bit turned', async () => {
    const bytes = (await filterOf(3)).serialize()
    for (let bit = 0; bit < bytes.length * 8; bit += bit < 600 ? 1 : 37) {
      const copy = Uint8Array.from(bytes)
      copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
      await refused(copy)
    }
  })

  it('any bytes at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (some, withMagic) => {
        if (withMagic) some.set(Buffer.from('SCBF\x01').subarray(0, some.length))
        await refused(some)
      }),
      { seed: 20260107, numRuns: 500 },
    )
  })

  const HUGE = 0xffff_ffff
  const forgeries: [string, (view: DataView) => void, string][] = [
    ['another magic', (view) => view.setUint8(0, 0x54), 'they begin otherwise'],
    ['a later format', (view) => view.setUint8(4, 2), 'they are of format 2, and this version reads 1'],
    ['no slices', (view) => view.setUint8(5, 0), 'they speak of 0 slices'],
    ['255 slices', (view) => view.setUint8(5, 255), 'they speak of 255 slices'],
    ['32 slices', (view) => view.setUint8(5, 32), 'they '],
    ['something in the zeros', (view) => view.setUint16(6, 1), 'they speak of 1 slices'],
    ['no partitions', (view) => view.setUint32(FIRST_SLICE, 0), 'they speak of a slice of 0 ×'],
    ['2^32 - 1 partitions', (view) => view.setUint32(FIRST_SLICE, HUGE), 'they speak of a slice of 4294967295 ×'],
    ['no width', (view) => view.setUint32(FIRST_SLICE + 4, 0), 'they speak of a slice of 9 × 0 bits'],
    ['a width of 2^32 - 1', (view) => view.setUint32(FIRST_SLICE + 4, HUGE), 'they speak of 4831838207 bytes of bits'],
    ['a width of twice as much', (view) => view.setUint32(FIRST_SLICE + 4, 3_000), 'they should be '],
    [
      'a capacity of 2^32 - 1',
      (view) => view.setUint32(FIRST_SLICE + 8, HUGE),
      'they speak of a rate of 0.01, and make 1',
    ],
    ['more keys than it takes', (view) => view.setUint32(FIRST_SLICE + 12, 1_001), 'they speak of a slice of '],
    [
      'a better rate than it has',
      (view) => view.setFloat64(8, 0.000_1),
      'they speak of a rate of 0.0001, and make 0.00',
    ],
  ]
  it.each(forgeries)('forged with a check that fits: %s', async (_, change, why) => {
    const bytes = (await filterOf(10)).serialize()
    await expect(restoreBloomFilter(forged(bytes, () => {}))).resolves.toMatchObject({ size: 10 })
    const before = process.memoryUsage().arrayBuffers
    await refused(forged(bytes, change), why)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  it.each([NaN, Infinity, -1, 0, 0.6])('forged with the rate %d', async (rate) => {
    const bytes = forged((await filterOf(10)).serialize(), (view) => view.setFloat64(8, rate))
    await expect(restoreBloomFilter(bytes)).rejects.toMatchObject({
      code: 'ERR_OPTION',
      message: `falsePositives must be a number from 0.000001 to 0.5; given: ${rate}`,
    })
  })
})
