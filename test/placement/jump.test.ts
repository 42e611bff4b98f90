import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstAtOrAfter, ownerFinder } from '../../src/placement/jump.ts'

const settings = { seed: 20260502, numRuns: 300 }
const position = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1),
  fc.integer({ min: 0, max: 300 }),
)

describe('the jump table', () => {
  it('finds what a binary search finds, at every point and beside it, given signed or unsigned', () => {
    const ring = fc.array(fc.tuple(position, fc.nat({ max: 20 })), { minLength: 1, maxLength: 200 })
    const shardCount = fc.constantFrom(21, 128, 129, 2 ** 15 + 1, 2 ** 18, 2 ** 18 + 1)
    fc.assert(
      fc.property(ring, shardCount, fc.array(position, { maxLength: 50 }), (unsorted, shards, others) => {
        const sorted = unsorted.toSorted(([a, x], [b, y]) => a - b || x - y)
        const points = Uint32Array.from(sorted, ([point]) => point)
        const owners = Uint32Array.from(sorted, ([, owner]) => owner)
        const find = ownerFinder({ points, owners }, shards)
        const near = [...points].flatMap((point) => [point, Math.max(0, point - 1), Math.min(2 ** 32 - 1, point + 1)])
        for (const wanted of [...near, ...others]) {
          const expected = owners[firstAtOrAfter(points, wanted)]
          expect([find(wanted), find(wanted | 0)]).toEqual([expected, expected])
        }
      }),
      settings,
    )
  })

  it.each([100, 1_000, 100_000, 2 ** 18, 300_000])(
    'finds it with %d points in one place, and as many shards',
    (length) => {
      const points = Uint32Array.from({ length }, (_, i) => 5 * i)
      const owners = Uint32Array.from(points, (_, i) => i)
      const find = ownerFinder({ points, owners }, length)
      for (const i of [0, 1, 77, length - 2, length - 1]) {
        expect([find(5 * i), find(5 * i + 1)]).toEqual([i, (i + 1) % length])
      }
      expect(find(2 ** 32 - 1)).toBe(0)
    },
  )
})
