import { describe, expect, it } from 'vitest'
import { loadHash, type Hash } from '../../src/base/hash.ts'
import { diff } from '../../src/placement/diff.ts'
import { ring, type Ring } from '../../src/placement/ring.ts'
import { shares } from './shares.ts'

const hash = await loadHash()
const named = (count: number): { id: string }[] =>
  Array.from({ length: count }, (_, index) => ({ id: `node-${index}` }))

/** What a hundred thousand keys say: moved share, and per pair. */
function sample(before: Ring, after: Ring): { moved: number; pairs: Map<string, number> } {
  const keys = 100_000
  const pairs = new Map<string, number>()
  let moved = 0
  for (let index = 0; index < keys; index++) {
    const from = before.locate(`key:${index}`)
    const to = after.locate(`key:${index}`)
    if (from === to) continue
    moved += 1 / keys
    pairs.set(`${from} ${to}`, (pairs.get(`${from} ${to}`) ?? 0) + 1 / keys)
  }
  return { moved, pairs }
}

describe('diff', () => {
  it('of a ring with itself, or with an equal one, is empty', () => {
    const before = ring(named(5), { hash })
    expect(diff(before, before)).toEqual({ moved: 0, moves: [] })
    expect(diff(before, ring(named(5).toReversed(), { hash }))).toEqual({ moved: 0, moves: [] })
  })

  it('of one node replaced by another is everything', () => {
    expect(diff(ring([{ id: 'a' }], { hash }), ring([{ id: 'b' }], { hash }))).toEqual({
      moved: 1,
      moves: [{ from: 'a', to: 'b', share: 1 }],
    })
  })

  it.each([
    ['one node added', named(10), named(11)],
    ['one node removed', named(10), named(10).slice(1)],
    ['one weight doubled', named(10), [{ id: 'node-0', weight: 2 }, ...named(10).slice(1)]],
    ['all but one replaced', named(5), [{ id: 'node-0' }, { id: 'x' }, { id: 'y' }]],
  ])('%s: agrees with 100,000 keys, pair by pair', (_, first, second) => {
    const before = ring(first, { hash })
    const after = ring(second, { hash })
    const { moved, moves } = diff(before, after)
    const sampled = sample(before, after)
    expect(Math.abs(moved - sampled.moved)).toBeLessThan(0.005)
    expect(moves.reduce((sum, move) => sum + move.share, 0)).toBeCloseTo(moved, 9)
    expect(new Set(moves.map((move) => `${move.from} ${move.to}`))).toEqual(new Set(sampled.pairs.keys()))
    for (const { from, to, share } of moves)
      expect(Math.abs(share - (sampled.pairs.get(`${from} ${to}`) ?? 0))).toBeLessThan(0.005)
  })

  it('gives what the shares before and after say: what a node gains less what it gives', () => {
    const before = ring([{ id: 'a' }, { id: 'b', weight: 2 }, { id: 'c' }], { hash })
    const after = ring([{ id: 'a', weight: 3 }, { id: 'c' }, { id: 'd', weight: 0.5 }], { hash })
    const { moves } = diff(before, after)
    for (const id of ['a', 'b', 'c', 'd']) {
      const gained = moves.filter((move) => move.to === id).reduce((sum, move) => sum + move.share, 0)
      const given = moves.filter((move) => move.from === id).reduce((sum, move) => sum + move.share, 0)
      expect(gained - given).toBeCloseTo((shares(after).get(id) ?? 0) - (shares(before).get(id) ?? 0), 9)
    }
  })

  it('lists the largest share first', () => {
    const found = diff(ring(named(6), { hash }), ring(named(7), { hash })).moves.map((move) => move.share)
    expect(found).toEqual(found.toSorted((one, other) => other - one))
  })

  it('agrees to the last arc with a look at each of 64 slots', () => {
    // Points at whole slots only, so that one position per slot tells the whole arc before it.
    const slots = 64
    const slotted: Hash = {
      text: (text) => (hash.text(text) % slots) * (2 ** 32 / slots),
      bytes: (...given) => (hash.bytes(...given) % slots) * (2 ** 32 / slots),
    }
    for (let trial = 0; trial < 300; trial++) {
      const pick = (salt: number, most: number): { id: string; weight: number }[] =>
        Array.from({ length: 1 + (hash.text(`${trial}`, salt) % most) }, (_, index) => ({
          id: `n${(index + trial * salt) % 7}`,
          weight: 1 + (hash.text(`${trial} ${index}`, salt) % 3),
        }))
      const before = ring(pick(1, 5), { hash: slotted, points: 3 })
      const after = ring(pick(2, 6), { hash: slotted, points: 3 })
      const counts = new Map<string, number>()
      for (let slot = 0; slot < slots; slot++) {
        const at = slot * (2 ** 32 / slots)
        const from = before.ids[before.ownerAt(at)] as string
        const to = after.ids[after.ownerAt(at)] as string
        if (from !== to) counts.set(`${from} ${to}`, (counts.get(`${from} ${to}`) ?? 0) + 1)
      }
      const { moved, moves } = diff(before, after)
      expect(new Map(moves.map((move) => [`${move.from} ${move.to}`, move.share * slots]))).toEqual(counts)
      expect(moved * slots).toBe([...counts.values()].reduce((sum, count) => sum + count, 0))
    }
  })
})
