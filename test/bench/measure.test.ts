import { beforeAll, describe, expect, it } from 'vitest'
import HashRing from 'hashring'
import { measureBalance } from '../../bench/remap/balance.ts'
import { contenders, hashring, ours, type Contender } from '../../bench/remap/contenders.ts'
import { measureRemap, peakOverFair, type RemapRow } from '../../bench/remap/measure.ts'
import { silent } from '../../bench/kit/progress.ts'
import { makeKeys, makeNodes, makeScenario } from '../../bench/remap/workload.ts'
import { loadHash } from '../../src/base/hash.ts'

const KEYS = 50_000
let compared: Contender[]
let rows: RemapRow[]

beforeAll(async () => {
  compared = contenders(await loadHash())
  rows = measureRemap(compared, [3, 10], KEYS, silent)
})

const row = (contender: string, nodes: number, change: RemapRow['change']): RemapRow =>
  rows.find((each) => each.contender === contender && each.nodes === nodes && each.change === change) as RemapRow

describe('keys moved', () => {
  it('modulo moves about 90.9 % when an eleventh node joins, most of it between old nodes', () => {
    const { movedPercent, betweenOldPercent } = row('modulo', 10, 'add')
    expect(Math.abs(movedPercent - 90.9)).toBeLessThan(0.5)
    expect(Math.abs(betweenOldPercent - 81.8)).toBeLessThan(0.7)
  })

  it('the ring moves about 9.1 %, nothing of it between old nodes', () => {
    const { movedPercent, betweenOldKeys, idealPercent } = row('ring-1024', 10, 'add')
    expect(Math.abs(movedPercent - 9.1)).toBeLessThan(1)
    expect(betweenOldKeys).toBe(0)
    expect(idealPercent).toBeCloseTo(100 / 11, 3)
  })

  it('the ring moves nothing between old nodes whatever changes', () => {
    const rings = rows.filter((each) => each.contender.startsWith('ring-'))
    expect(rings).toHaveLength(12)
    expect(rings.map((each) => each.betweenOldKeys)).toEqual(rings.map(() => 0))
    for (const each of rings.filter(({ contender }) => contender === 'ring-1024'))
      expect(Math.abs(each.movedPercent - each.idealPercent)).toBeLessThan(1)
  })

  it('every contender is measured on every change, and the same on every run', () => {
    expect(rows).toHaveLength(compared.length * 2 * 3)
    expect(measureRemap(compared, [3, 10], KEYS, silent)).toEqual(rows)
  })

  it('counts a key as needlessly moved only when neither owner is the node that changed', () => {
    // Every key goes to the second of three nodes; when the first leaves, every key goes to the other survivor.
    const shifting: Contender = {
      id: 'shifting',
      label: 'shifting',
      how: '',
      prepare: (keys) => (nodes) => new Uint16Array(keys.length).fill(nodes.length === 3 ? 0 : 1),
    }
    const [removed] = measureRemap([shifting], [3], 10, silent).filter((each) => each.change === 'remove')
    expect(removed).toMatchObject({ movedKeys: 10, betweenOldKeys: 10, peakBefore: 3, peakAfter: 2 })
  })
})

describe('the contenders', () => {
  it('route every key to a node of the list', () => {
    const keys = makeKeys(2_000)
    const { after } = makeScenario(10, 'double')
    for (const contender of compared) {
      const used = new Set(contender.prepare(keys)(after))
      expect([contender.id, [...used].sort((a, b) => a - b)]).toEqual([contender.id, [...after.keys()]])
    }
  })

  it('hashring with remembered digests routes as the package does by itself', () => {
    const keys = makeKeys(2_000)
    const nodes = makeNodes(10).map((node, index) => ({ ...node, weight: index === 5 ? 2 : 1 }))
    const plain = new HashRing(Object.fromEntries(nodes.map(({ id, weight }) => [id, { weight }])))
    const owners = hashring().prepare(keys)(nodes)
    expect(keys.map((_, index) => nodes[owners[index] as number]?.id)).toEqual(keys.map((key) => plain.get(key)))
  })
})

describe('balance', () => {
  it('is the busiest node over its fair share by weight', () => {
    const nodes = [{ id: 'a' }, { id: 'b', weight: 2 }]
    expect(peakOverFair(Uint16Array.of(0, 1, 1), nodes)).toBe(1)
    expect(peakOverFair(Uint16Array.of(0, 0, 1), nodes)).toBe(2)
  })

  it('gets better with more points, and stays at most 1.06 at the default', async () => {
    const hash = await loadHash()
    const measured = measureBalance([ours(hash, 150), ours(hash, 1024)], 40, KEYS * 2, silent)
    const median = (contender: string): number =>
      measured.find((each) => each.contender === contender)?.median as number
    expect(median('ring-1024')).toBeLessThanOrEqual(1.06)
    expect(median('ring-150')).toBeGreaterThan(median('ring-1024') + 0.04)
  })
})
