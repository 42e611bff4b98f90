import { beforeAll, describe, expect, it } from 'vitest'
import { loadHash, type Hash } from '../../src/base/hash.ts'
import { movedSince, NO_HISTORY, remember, type History } from '../../src/cluster/history.ts'
import { ring, type Ring } from '../../src/placement/ring.ts'

const NOW = 1_800_000_000_000
const KEYS = Array.from({ length: 2_000 }, (_, i) => `key:${i}`)

let hash: Hash
beforeAll(async () => void (hash = await loadHash()))

const of = (weights: Record<string, number>, points = 64): Ring =>
  ring(
    Object.entries(weights).map(([id, weight]) => ({ id, weight })),
    { hash, points },
  )

/** The rings one after another, each replaced a minute after the one before; and the last one, which is in use. */
function through(...rings: Ring[]): { history: History; now: Ring; at: (change: number) => number } {
  const at = (change: number): number => NOW + change * 60_000
  let history = NO_HISTORY
  for (const [i, each] of rings.slice(0, -1).entries()) history = remember(history, each, at(i + 1))
  return { history, now: rings.at(-1) as Ring, at }
}

describe('an entry from before its node', () => {
  it('gained the key is void: with a node more', () => {
    const [two, three] = [of({ a: 1, b: 1 }), of({ a: 1, b: 1, c: 1 })]
    const { history, now, at } = through(two, three)
    for (const key of KEYS) {
      const moved = three.locate(key) !== two.locate(key)
      expect(movedSince(history, now, key, at(1) - 1)).toBe(moved)
      expect(movedSince(history, now, key, at(1))).toBe(moved)
      expect(movedSince(history, now, key, at(1) + 1)).toBe(false)
    }
  })

  it('with a node less', () => {
    const [three, two] = [of({ a: 1, b: 1, c: 1 }), of({ a: 1, b: 1 })]
    const { history, now, at } = through(three, two)
    for (const key of KEYS) expect(movedSince(history, now, key, at(1) - 1)).toBe(three.locate(key) === 'c')
  })

  it('was removed and added again: all that it holds, and nothing of the others', () => {
    const [three, two] = [of({ a: 1, b: 1, c: 1 }), of({ a: 1, b: 1 })]
    const { history, now, at } = through(three, two, of({ a: 1, b: 1, c: 1 }))
    const written = (key: string, when: number): boolean => movedSince(history, now, key, when)
    for (const key of KEYS) {
      const back = three.locate(key) === 'c'
      // From its first time, and what it was sent while it was away.
      expect([written(key, at(0)), written(key, at(1) + 30_000)]).toEqual([back, back])
      expect(written(key, at(2) + 1)).toBe(false)
    }
  })

  it('has another weight', () => {
    const [before, after] = [of({ a: 1, b: 1 }), of({ a: 3, b: 1 })]
    const { history, now, at } = through(before, after)
    let moved = 0
    for (const key of KEYS) {
      const gained = before.locate(key) === 'b' && after.locate(key) === 'a'
      if (gained) moved++
      expect(movedSince(history, now, key, at(1) - 1)).toBe(gained)
    }
    expect(moved).toBeGreaterThan(0)
  })
})

describe('what is remembered', () => {
  it('is nothing at first: all entries are good', () => {
    const now = of({ a: 1 })
    for (const key of KEYS) expect(movedSince(NO_HISTORY, now, key, 0)).toBe(false)
  })

  it('is a ring once, with its last time: a node that comes and goes leaves two behind', () => {
    const [two, three] = [of({ a: 1, b: 1 }), of({ a: 1, b: 1, c: 1 })]
    let history = NO_HISTORY
    for (let i = 1; i <= 100; i++) history = remember(history, i % 2 === 0 ? two : three, NOW + i)
    expect([history.past.length, history.floor]).toEqual([2, -Infinity])
    expect(history.past.map(({ until }) => until)).toEqual([NOW + 100, NOW + 99])
  })

  it('is one ring when nothing but its object changes', () => {
    let history = NO_HISTORY
    for (let i = 1; i <= 5; i++) history = remember(history, of({ a: 1, b: 2 }), NOW + i)
    expect(history.past).toHaveLength(1)
  })

  it('are 64 rings: entries older than what was forgotten are void wherever they lie', () => {
    let history = NO_HISTORY
    for (let i = 1; i <= 70; i++) history = remember(history, of({ a: i, b: 1 }, 4), NOW + i * 10_000)
    expect(history.past).toHaveLength(64)
    // The newest one that was forgotten was the sixth.
    expect(history.floor).toBe(NOW + 60_000)
    const now = of({ a: 70, b: 1 }, 4)
    const stays = KEYS.find((key) => now.locate(key) === 'b') as string
    expect(movedSince(history, now, stays, history.floor)).toBe(true)
    expect(movedSince(history, now, stays, history.floor + 1)).toBe(false)
  })

  it('is bounded in points too, but always holds the ring before', () => {
    const large = (n: number): Ring => {
      const fake = of({ a: 1, [`n${n}`]: 1 }, 1)
      return { ...fake, points: new Uint32Array(800_000).fill(n) }
    }
    let history = NO_HISTORY
    for (let i = 1; i <= 5; i++) history = remember(history, large(i), NOW + i)
    expect([history.past.length, history.floor]).toEqual([2, NOW + 3])
    const huge = { ...of({ a: 1 }, 1), points: new Uint32Array(3_000_000) }
    history = remember(history, huge, NOW + 9)
    expect([history.past.length, history.floor]).toEqual([1, NOW + 5])
  })

  it('never goes back: neither the floor, nor when clocks do', () => {
    let history: History = { past: [], floor: NOW + 99 }
    history = remember(history, of({ a: 1 }), NOW)
    expect(history.floor).toBe(NOW + 99)
  })

  it('is left as it was: each history is one of its own', () => {
    const first = remember(NO_HISTORY, of({ a: 1 }), NOW)
    remember(first, of({ b: 1 }), NOW + 1)
    expect([NO_HISTORY.past.length, first.past.length]).toEqual([0, 1])
  })
})
