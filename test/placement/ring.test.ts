import { describe, expect, it } from 'vitest'
import { loadHash, type Hash } from '../../src/base/hash.ts'
import { ring } from '../../src/placement/ring.ts'
import { peakOverAverage } from './shares.ts'

const hash = await loadHash()

/** A hash that gives what the table says. */
function tableHash(table: Readonly<Record<string, number>>): Hash {
  const text = (given: string): number => {
    const found = table[given]
    if (found === undefined) throw new Error(`the table has no ${given}`)
    return found
  }
  return { text, bytes: (bytes, _, start, end) => text(Buffer.from(bytes.subarray(start, end)).toString()) }
}

describe('ring', () => {
  it('gives a key to the first point at or after it, going round', () => {
    const fake = tableHash({
      'a#0': 100,
      'b#0': 200,
      k0: 0,
      k100: 100,
      k101: 101,
      k200: 200,
      k201: 201,
      max: 2 ** 32 - 1,
    })
    const built = ring([{ id: 'a' }, { id: 'b' }], { hash: fake, points: 1 })
    expect(['k0', 'k100', 'k101', 'k200', 'k201', 'max'].map((key) => built.locate(key))).toEqual([
      'a',
      'a',
      'b',
      'b',
      'a',
      'a',
    ])
  })

  it('orders equal positions by id, whatever the order of the list', () => {
    const fake = tableHash({ 'a#0': 500, 'b#0': 500, 'c#0': 500, 'd#0': 900, low: 1, at: 500, high: 901, mid: 501 })
    const list = [{ id: 'c' }, { id: 'd' }, { id: 'a' }, { id: 'b' }]
    for (const order of [list, list.toReversed(), [...list.slice(2), ...list.slice(0, 2)]]) {
      const built = ring(order, { hash: fake, points: 1 })
      expect([...built.points]).toEqual([500, 500, 500, 900])
      expect(built.locateMany('low', 4)).toEqual(['a', 'b', 'c', 'd'])
      expect(built.locateMany('at', 4)).toEqual(['a', 'b', 'c', 'd'])
      expect(built.locateMany('mid', 4)).toEqual(['d', 'a', 'b', 'c'])
      expect(built.locateMany('high', 4)).toEqual(['a', 'b', 'c', 'd'])
    }
  })

  it('survives every point of every node at one position', () => {
    const built = ring([{ id: 'a' }, { id: 'b' }], { hash: { text: () => 7, bytes: () => 7 }, points: 50 })
    expect(built.locate('x')).toBe('a')
    expect(built.locateMany('x', 2)).toEqual(['a', 'b'])
  })

  it('takes positions at both ends', () => {
    const fake = tableHash({ 'a#0': 0, 'b#0': 2 ** 32 - 1, zero: 0, one: 1, max: 2 ** 32 - 1 })
    const built = ring([{ id: 'a' }, { id: 'b' }], { hash: fake, points: 1 })
    expect(['zero', 'one', 'max'].map((key) => built.locate(key))).toEqual(['a', 'b', 'b'])
  })

  it('keeps the keys of one hash tag together', () => {
    const built = ring([{ id: 'a' }, { id: 'b' }, { id: 'c' }], { hash })
    for (let user = 0; user < 200; user++) {
      const owners = ['profile', 'cart', 'feed'].map((part) => built.locate(`{user:${user}}:${part}`))
      expect(new Set([...owners, built.locate(`user:${user}`)]).size).toBe(1)
    }
  })

  it('sorts ids by code unit', () => {
    const built = ring(
      ['b', 'B', 'a', 'é', '10', '9'].map((id) => ({ id })),
      { hash, points: 1 },
    )
    expect(built.ids).toEqual(['10', '9', 'B', 'a', 'b', 'é'])
  })

  it('does not change the list it was given, nor heed later changes of it', () => {
    const list = [{ id: 'b' }, { id: 'a' }]
    const built = ring(list, { hash })
    expect(list).toEqual([{ id: 'b' }, { id: 'a' }])
    const before = built.locateMany('x', 2)
    list.push({ id: 'c' })
    expect(built.locateMany('x', 3)).toEqual(before)
  })

  it('locateMany is capped at the number of nodes, and empty for none', () => {
    const built = ring([{ id: 'a' }, { id: 'b' }, { id: 'c' }], { hash })
    expect(built.locateMany('x', 0)).toEqual([])
    expect(built.locateMany('x', 1)).toEqual([built.locate('x')])
    expect(built.locateMany('x', 100).toSorted((one, other) => (one < other ? -1 : 1))).toEqual(['a', 'b', 'c'])
  })

  it('one node owns everything', () => {
    const built = ring([{ id: 'only' }], { hash, points: 1 })
    for (let index = 0; index < 100; index++) expect(built.locate(`key ${index}`)).toBe('only')
  })

  it('refuses an empty list', () => {
    expect(() => ring([], { hash })).toThrow(expect.objectContaining({ name: 'OptionError', code: 'ERR_NO_NODES' }))
  })

  it('refuses two nodes with one id, wherever they stand', () => {
    const list = [{ id: 'b' }, { id: 'same' }, { id: 'a' }, { id: 'same', weight: 2 }]
    expect(() => ring(list, { hash })).toThrow(
      expect.objectContaining({ code: 'ERR_DUPLICATE_ID', message: expect.stringContaining('"same"') }),
    )
  })

  it.each([[0], [-1], [Number.NaN], [Infinity], [-Infinity], ['2'], [{}], [5n]])('refuses the weight %s', (weight) => {
    expect(() => ring([{ id: 'a', weight: weight as number }, { id: 'b' }], { hash })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining('the weight of node "a"') }),
    )
  })

  it.each([[0], [-5], [1.5], [Number.NaN], [Infinity], ['150'], [{}]])('refuses %s points', (points) => {
    expect(() => ring([{ id: 'a' }], { hash, points: points as number })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining('points must be') }),
    )
  })

  it('refuses more points than any honest weights need, before making them', () => {
    for (const weight of [1e6, 1e300, Number.MAX_VALUE]) {
      expect(() => ring([{ id: 'a', weight }], { hash })).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining('points are more than') }),
      )
    }
  })

  it('balances: peak over average at ten nodes is at most 1.06, the median of 40 sets of names', () => {
    const peaks = Array.from({ length: 40 }, (_, set) =>
      peakOverAverage(
        ring(
          Array.from({ length: 10 }, (_each, node) => ({ id: `set-${set}-node-${node}` })),
          { hash },
        ),
      ),
    ).toSorted((one, other) => one - other)
    const median = ((peaks[19] as number) + (peaks[20] as number)) / 2
    expect(median).toBeCloseTo(1.0509, 4)
    expect(median).toBeLessThanOrEqual(1.06)
  })
})
