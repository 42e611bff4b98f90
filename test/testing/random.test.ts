import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/testing/index.ts'

function draw(seed: number, count: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, random)
}

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, for ever', () => {
    expect(draw(7, 1_000)).toEqual(draw(7, 1_000))
    expect(draw(1, 3)).toEqual([0.6270739405881613, 0.002735721180215478, 0.5274470399599522])
  })

  it('gives others for another seed, however large or near', () => {
    const seeds = [0, 1, 2, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 40, Number.MAX_SAFE_INTEGER]
    expect(new Set(seeds.map((seed) => draw(seed, 1)[0])).size).toBe(seeds.length)
  })

  it('spreads them evenly over [0, 1)', () => {
    for (const seed of [0, 1, 7, 2 ** 40]) {
      const tenths = Array.from({ length: 10 }, () => 0)
      const numbers = draw(seed, 100_000)
      expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true)
      for (const number of numbers) tenths[Math.floor(number * 10)]!++
      // Five standard deviations of 100,000 draws with a chance of a tenth.
      for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(475)
    }
  })

  it.each([-1, 1.5, Number.NaN, Infinity, '7', undefined])('refuses %s as seed', (seed) => {
    expect(() => seededRandom(seed as number)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining('seed') }),
    )
  })
})
