import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadHash, type Hash } from '../../src/base/hash.ts'
import { hashTag } from '../../src/base/hash-tag.ts'
import { diff } from '../../src/placement/diff.ts'
import type { WeightedId } from '../../src/placement/placement.ts'
import { ring } from '../../src/placement/ring.ts'
import { shares } from '../placement/shares.ts'

const hash = await loadHash()
const coarse: Hash = {
  text: (text) => (hash.text(text) % 64) * 2 ** 26,
  bytes: (...given) => (hash.bytes(...given) % 64) * 2 ** 26,
}
const settings = { seed: 20260102, numRuns: 60 }

const id = fc.oneof(
  fc.integer({ min: 0, max: 255 }).map((host) => `10.0.0.${host}:6379`),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((text) => text.isWellFormed()),
)
const node: fc.Arbitrary<WeightedId> = fc.record({ id, weight: fc.constantFrom(0.5, 1, 1, 1, 1.5, 2, 3) })
const nodes = (most = 12): fc.Arbitrary<WeightedId[]> =>
  fc.uniqueArray(node, { minLength: 1, maxLength: most, selector: (each) => each.id })
const key = fc.string({ minLength: 1, maxLength: 30, unit: fc.constantFrom('a', 'b', '{', '}', ':', '1', 'é', '🔑') })
const points = fc.constantFrom(1, 2, 7, 150)

const weightOf = (list: readonly WeightedId[]): number => list.reduce((sum, each) => sum + (each.weight ?? 1), 0)

describe('any ring', () => {
  it('gives every key an owner, and the same one for the same tag', () => {
    fc.assert(
      fc.property(nodes(), points, fc.array(key, { minLength: 1, maxLength: 50 }), (list, perUnit, keys) => {
        const built = ring(list, { hash, points: perUnit })
        const ids = new Set(list.map((each) => each.id))
        for (const each of keys) {
          expect(ids).toContain(built.locate(each))
          expect(built.locate(each)).toBe(built.locate(hashTag(each)))
        }
      }),
      settings,
    )
  })

  it('is the same whatever the order of the list', () => {
    fc.assert(
      fc.property(
        nodes().chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        points,
        ([list, shuffled], perUnit) => {
          const one = ring(list, { hash, points: perUnit })
          const other = ring(shuffled, { hash, points: perUnit })
          expect([other.ids, [...other.points], [...other.owners]]).toEqual([one.ids, [...one.points], [...one.owners]])
        },
      ),
      settings,
    )
  })

  it.each([
    ['', hash],
    [', where many points share a position', coarse],
  ])('that follows another one is the one that is made from nothing%s', (_, of) => {
    fc.assert(
      fc.property(nodes(), nodes(), points, fc.array(key, { maxLength: 20 }), (first, second, perUnit, keys) => {
        const both = [...new Map([...first, ...second].map((each) => [each.id, each])).values()]
        let before = ring(first, { hash: of, points: perUnit })
        for (const list of [second, both, second.slice(0, 1), first]) {
          const whole = ring(list, { hash: of, points: perUnit })
          const followed = ring(list, { hash: of, points: perUnit, before })
          expect([followed.ids, followed.counts]).toEqual([whole.ids, whole.counts])
          expect([followed.points, followed.owners]).toEqual([whole.points, whole.owners])
          for (const each of keys) expect(followed.locate(each)).toBe(whole.locate(each))
          before = followed
        }
      }),
      settings,
    )
  })

  it('that follows one with other points per unit of weight does so, too', () => {
    const list = [{ id: 'a' }, { id: 'b', weight: 2 }, { id: 'c' }]
    const before = ring(list, { hash, points: 100 })
    expect([...ring(list, { hash, points: 50, before }).points]).toEqual([...ring(list, { hash, points: 50 }).points])
  })

  it('has sorted points, as many as the weights say, and an owner for each', () => {
    fc.assert(
      fc.property(nodes(), points, (list, perUnit) => {
        const built = ring(list, { hash, points: perUnit })
        const counts = list.map((each) => Math.max(1, Math.round((each.weight ?? 1) * perUnit)))
        expect(built.points).toHaveLength(counts.reduce((sum, count) => sum + count, 0))
        expect(built.points.every((point, index) => index === 0 || point >= (built.points[index - 1] as number))).toBe(
          true,
        )
        expect(built.owners.every((owner) => owner < built.ids.length)).toBe(true)
      }),
      settings,
    )
  })

  it('locateMany: distinct, the owner first, in ring order, capped, a prefix of the longer list', () => {
    fc.assert(
      fc.property(nodes(), points, key, fc.integer({ min: 1, max: 15 }), (list, perUnit, each, count) => {
        const built = ring(list, { hash, points: perUnit })
        const found = built.locateMany(each, count)
        expect(found).toHaveLength(Math.min(count, list.length))
        expect(new Set(found).size).toBe(found.length)
        expect(found[0]).toBe(built.locate(each))
        expect(built.locateMany(each, 100).slice(0, count)).toEqual(found)
        const position = built.position(each)
        const walk = [...built.points.keys()].toSorted((a, b) => distance(a) - distance(b) || a - b)
        function distance(index: number): number {
          return ((built.points[index] as number) - position + 2 ** 32) % 2 ** 32
        }
        const order = [...new Set(walk.map((index) => built.ids[built.owners[index] as number]))]
        expect(found).toEqual(order.slice(0, count))
      }),
      settings,
    )
  })

  it('the one next in line takes over when the owner leaves', () => {
    fc.assert(
      fc.property(
        nodes().filter((list) => list.length > 1),
        points,
        key,
        (list, perUnit, each) => {
          const [owner, next] = ring(list, { hash, points: perUnit }).locateMany(each, 2)
          const without = ring(
            list.filter((one) => one.id !== owner),
            { hash, points: perUnit },
          )
          expect(without.locate(each)).toBe(next)
        },
      ),
      settings,
    )
  })
})

describe('a change of one node', () => {
  const change = fc.tuple(nodes(), node).filter(([list, extra]) => list.every((each) => each.id !== extra.id))

  it('added: keys move to it alone, and about its share of them', () => {
    fc.assert(
      fc.property(change, ([list, extra]) => {
        const after = ring([...list, extra], { hash })
        const { moved, moves } = diff(ring(list, { hash }), after)
        expect(moves.every((move) => move.to === extra.id)).toBe(true)
        const ideal = (extra.weight ?? 1) / weightOf([...list, extra])
        expect(moved / ideal).toBeGreaterThan(0.85)
        expect(moved / ideal).toBeLessThan(1.15)
        expect(moved).toBeCloseTo(shares(after).get(extra.id) as number, 9)
      }),
      settings,
    )
  })

  it('removed: keys move from it alone, as many as it had', () => {
    fc.assert(
      fc.property(change, ([list, extra]) => {
        const before = ring([...list, extra], { hash })
        const { moved, moves } = diff(before, ring(list, { hash }))
        expect(moves.every((move) => move.from === extra.id)).toBe(true)
        expect(moved).toBeCloseTo(shares(before).get(extra.id) as number, 9)
      }),
      settings,
    )
  })

  it('given more weight: keys move to it alone; less weight: from it alone', () => {
    fc.assert(
      fc.property(change, fc.constantFrom(1.1, 2, 10), ([list, extra], factor) => {
        const light = ring([...list, extra], { hash, points: 150 })
        const heavy = ring([...list, { id: extra.id, weight: (extra.weight ?? 1) * factor }], { hash, points: 150 })
        expect(diff(light, heavy).moves.every((move) => move.to === extra.id)).toBe(true)
        expect(diff(heavy, light).moves.every((move) => move.from === extra.id)).toBe(true)
      }),
      settings,
    )
  })
})

it('shares follow weights, within 15 %', () => {
  fc.assert(
    fc.property(nodes(8), (list) => {
      const found = shares(ring(list, { hash }))
      for (const each of list) {
        const ideal = (each.weight ?? 1) / weightOf(list)
        expect((found.get(each.id) as number) / ideal).toBeGreaterThan(0.85)
        expect((found.get(each.id) as number) / ideal).toBeLessThan(1.15)
      }
    }),
    settings,
  )
})
