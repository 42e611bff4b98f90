import { describe, expect, it } from 'vitest'
import { seededRandom, zipf, zipfCumulative } from '../../bench/remap/zipf.ts'

const draws = (count: number, draw: () => number): number[] => Array.from({ length: count }, draw)

describe('the seeded source', () => {
  it('gives the published sequence of mulberry32', () => {
    expect(draws(3, seededRandom(1))).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522])
  })

  it('is even, within [0, 1), and another for another seed', () => {
    const numbers = draws(100_000, seededRandom(7))
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
    expect(numbers.reduce((sum, number) => sum + number, 0) / numbers.length).toBeCloseTo(0.5, 2)
    expect(draws(10, seededRandom(8))).not.toEqual(numbers.slice(0, 10))
  })
})

describe('the zipf sampler', () => {
  it('knows the probabilities: each rank 1 / rank ** exponent, in all 1', () => {
    const cumulative = zipfCumulative(1_000, 0.99)
    const first = cumulative[0] as number
    expect(cumulative[999]).toBe(1)
    expect((cumulative[9] as number) - (cumulative[8] as number)).toBeCloseTo(first / 10 ** 0.99, 12)
  })

  it('draws ranks as often as they should be drawn', () => {
    const [ranks, samples] = [1_000, 200_000]
    const counts = new Float64Array(ranks)
    const draw = zipf(ranks, 0.99, seededRandom(1))
    for (let i = 0; i < samples; i++) {
      const rank = draw()
      counts[rank] = (counts[rank] as number) + 1
    }
    // Pearson's statistic: with 999 degrees of freedom it stays below 1,143 in 999 of 1,000 honest samples.
    const cumulative = zipfCumulative(ranks, 0.99)
    const statistic = counts.reduce((sum, count, rank) => {
      const expected = samples * ((cumulative[rank] as number) - (cumulative[rank - 1] ?? 0))
      return sum + (count - expected) ** 2 / expected
    }, 0)
    expect(statistic).toBeLessThan(1_143)
  })

  it('reaches both ends', () => {
    expect(zipf(5, 0.99, () => 0)()).toBe(0)
    expect(zipf(5, 0.99, () => 1 - 2 ** -32)()).toBe(4)
  })

  it('draws the same for the same seed', () => {
    const some = (): number[] => draws(1_000, zipf(100, 0.99, seededRandom(3)))
    expect(some()).toEqual(some())
  })
})
