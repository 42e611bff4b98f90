import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadHash } from '../../src/base/hash.ts'
import { bloomFilter, type BloomFilter, type BloomFilterOptions } from '../../src/loading/bloom.ts'
import {
  emptySlice,
  MAX_FILTER_BYTES,
  nextShape,
  putIntoSlice,
  sliceHas,
  sliceRate,
  type SliceShape,
} from '../../src/loading/bloom-slice.ts'

const FOREIGN = 200_000
const known = (i: number): string => `user:${i}`
const foreign = (i: number): string => `user:${10_000_000 + i}`

function filled(filter: BloomFilter, count: number): BloomFilter {
  for (let i = 0; i < count; i++) filter.add(known(i))
  return filter
}

function measured(mayExist: (key: string) => boolean): number {
  let taken = 0
  for (let i = 0; i < FOREIGN; i++) if (mayExist(foreign(i))) taken++
  return taken / FOREIGN
}

describe('a Bloom filter', () => {
  it('never denies a key that was added, however far it has grown', async () => {
    const keys = fc.uniqueArray(fc.string({ minLength: 1, unit: 'grapheme' }), { maxLength: 3_000, size: 'max' })
    await fc.assert(
      fc.asyncProperty(keys, fc.constantFrom(0.5, 0.01, 0.000_001), async (some, falsePositives) => {
        const filter = await bloomFilter({ expected: 1, falsePositives })
        for (const [index, key] of some.entries()) {
          filter.add(key)
          expect(filter.mayExist(key)).toBe(true)
          filter.add(some[index >> 1] as string)
        }
        for (const key of some) expect(filter.mayExist(key)).toBe(true)
      }),
      { seed: 20260107, numRuns: 40 },
    )
  })

  it('denies everything while it is empty', async () => {
    const filter = await bloomFilter()
    expect(measured((key) => filter.mayExist(key))).toBe(0)
  })

  it.each([
    { expected: 10_000, falsePositives: 0.01, times: 1 },
    { expected: 10_000, falsePositives: 0.01, times: 10 },
    { expected: 10_000, falsePositives: 0.01, times: 100 },
    // Seven slices, all of them full.
    { expected: 2_000, falsePositives: 0.01, times: 127 },
    { expected: 2_000, falsePositives: 0.001, times: 100 },
    { expected: 2_000, falsePositives: 0.1, times: 100 },
  ])('of $expected × $times keys, keeps to its rate of $falsePositives', async ({ times, ...options }) => {
    const filter = filled(await bloomFilter(options), options.expected * times)
    const rate = measured((key) => filter.mayExist(key))
    expect(rate).toBeLessThanOrEqual(options.falsePositives)
    // It does not buy that with memory either: more than twice as good would be a waste.
    if (times > 1) expect(rate).toBeGreaterThan(options.falsePositives / 2)
    for (let i = 0; i < options.expected * times; i += 7) expect(filter.mayExist(known(i))).toBe(true)
  })

  it('control: one that does not grow is past its rate with ten times the keys, and knows everything with 100', async () => {
    const hash = await loadHash()
    const slice = emptySlice(nextShape(2_000, 0, 0.01), 0)
    const rates = [2_000, 20_000, 200_000].map((count) => {
      while (slice.keys < count) putIntoSlice(slice, hash.text(known(slice.keys)), hash.text(known(slice.keys), 1))
      return measured((key) => sliceHas(slice, hash.text(key), hash.text(key, 1)))
    })
    expect(rates[0]).toBeLessThan(0.01)
    expect(rates[1]).toBeGreaterThan(0.5)
    expect(rates[2]).toBe(1)
  })

  it('keeps short keys apart that XXH32 does not, with whatever seed', async () => {
    const hash = await loadHash()
    const texts = new Map<number, string>()
    let [pairs, alike, denied] = [0, 0, 0]
    for (let i = 1; i <= 400_000; i++) {
      const key = Math.imul(i, 2_654_435_761).toString(36).replace('-', 'x').padStart(8, '0')
      const other = texts.get(hash.text(key))
      texts.set(hash.text(key), key)
      if (other === undefined) continue
      pairs++
      if (hash.text(key, 1) === hash.text(other, 1)) alike++
      const filter = await bloomFilter({ expected: 1 })
      filter.add(other)
      if (!filter.mayExist(key)) denied++
    }
    expect(pairs).toBeGreaterThan(10)
    expect(alike).toBeGreaterThan(pairs / 4)
    expect(denied).toBe(pairs)
  })

  it('counts the keys it did not know, and its bytes', async () => {
    const filter = await bloomFilter({ expected: 10_000 })
    expect(filter.size).toBe(0)
    expect(filter.falsePositives).toBe(0.01)
    filled(filter, 10_000)
    const { size, bytes } = filter
    expect(size).toBeLessThanOrEqual(10_000)
    expect(size).toBeGreaterThan(10_000 * 0.99)
    expect(bytes / 10_000).toBeCloseTo(1.51, 2)
    filled(filter, 10_000)
    expect(filter).toMatchObject({ size, bytes })
  })

  it('takes between 1.5 and 5 bytes per key at 1 %', async () => {
    const filter = await bloomFilter({ expected: 1_000 })
    const perKey: number[] = []
    for (let i = 0; i < 130_000; i++) {
      filter.add(known(i))
      if (i >= 1_000) perKey.push(filter.bytes / filter.size)
    }
    expect(Math.min(...perKey.slice(0, 10_000))).toBeGreaterThan(1.5)
    expect(perKey.reduce((most, each) => Math.max(most, each), 0)).toBeLessThan(5)
  })
})

describe('slices', () => {
  it('have rates whose sum stays below the stated one, whatever the shape', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.double({ min: 0.000_001, max: 0.5, noNaN: true }),
        (expected, falsePositives) => {
          let last: SliceShape | number = expected
          let sum = 0
          for (let index = 0; index < 25; index++) {
            last = nextShape(last, index, falsePositives)
            sum += sliceRate(last)
            expect(last.partitions).toBeLessThanOrEqual(64)
          }
          expect(sum).toBeLessThanOrEqual(falsePositives)
        },
      ),
      { seed: 20260107, numRuns: 200 },
    )
  })

  it('end at 512 MiB, with an error and before anything is allocated', () => {
    const shape = nextShape(1_000, 0, 0.01)
    const bytes = emptySlice(shape, 0).bits.length
    expect(emptySlice(shape, MAX_FILTER_BYTES - bytes).bits).toHaveLength(bytes)
    expect(() => emptySlice(shape, MAX_FILTER_BYTES - bytes + 1)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION',
        message: `a Bloom filter may have at most 536870912 bytes; with ${MAX_FILTER_BYTES - bytes + 1} already, room for 1000 more keys takes another ${bytes}`,
      }),
    )
  })
})

describe('bad input', () => {
  const cases: [unknown, string][] = [
    [null, 'options must be an object; given: null'],
    [{ rate: 0.01 }, 'options has no option "rate"; known: falsePositives, expected'],
    [{ falsePositives: 0 }, 'falsePositives must be a number from 0.000001 to 0.5; given: 0'],
    [{ falsePositives: 1 }, 'falsePositives must be a number from 0.000001 to 0.5; given: 1'],
    [{ falsePositives: NaN }, 'falsePositives must be a number from 0.000001 to 0.5; given: NaN'],
    [{ falsePositives: '1%' }, 'falsePositives must be a number from 0.000001 to 0.5; given: "1%"'],
    [{ expected: 0 }, 'expected must be a whole number of at least 1; given: 0'],
    [{ expected: 1.5 }, 'expected must be a whole number of at least 1; given: 1.5'],
    [{ expected: 1e15 }, 'room for 1000000000000000 more keys'],
  ]
  it.each(cases)('%j rejects', async (options, message) => {
    await expect(bloomFilter(options as BloomFilterOptions)).rejects.toMatchObject({
      code: 'ERR_OPTION',
      message: expect.stringContaining(message) as string,
    })
  })

  it.each([
    ['', 'must not be empty'],
    [7, 'must be a string'],
    ['\ud800', 'has a lone surrogate'],
  ])('the key %j throws', async (key, why) => {
    const filter = await bloomFilter()
    const error = expect.objectContaining({ code: 'ERR_KEY', message: expect.stringContaining(why) as string })
    expect(() => filter.add(key as string)).toThrow(error)
    expect(() => filter.mayExist(key as string)).toThrow(error)
    expect(filter.size).toBe(0)
  })
})
