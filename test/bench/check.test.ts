import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  l1Row,
  missRow,
  ofL1,
  ofMisses,
  ofRouting,
  ofThroughput,
  routingRow,
  throughputRow,
} from '../../bench/check/comparisons.ts'
import { judge, lowered, parseFloors, type Comparison, type Floors } from '../../bench/check/floors.ts'
import { judgeSeveralTimes } from '../../bench/check/tries.ts'
import { ROWS } from '../../bench/l1/contenders.ts'
import { IN_FLIGHT } from '../../bench/loader/contenders.ts'
import { machine } from '../../bench/kit/machine.ts'
import type { Measured } from '../../bench/kit/stats.ts'
import { TABLES } from '../../bench/throughput/cases.ts'

const FLOORS: Floors = { row: { slow: { least: 2 }, quick: { least: 0.5, most: 3 } } }
const at = (slow: number, quick: number): Comparison[] => [
  { row: 'row', contender: 'slow', ratio: slow },
  { row: 'row', contender: 'quick', ratio: quick },
]
const holds = (...args: Parameters<typeof judge>): boolean[] => judge(...args).map(({ ok }) => ok)

describe('floors', () => {
  it.each([
    ['above both', at(2.1, 0.6), [true, true]],
    ['exactly on them', at(2, 3), [true, true]],
    ['below one', at(1.99, 0.5), [false, true]],
    ['above what is allowed at most', at(2, 3.01), [true, false]],
    ['of no number', at(NaN, Infinity), [false, false]],
  ])('%s', (_, measured, expected) => {
    expect(holds(FLOORS, measured)).toEqual(expected)
  })

  it('fail when nothing was measured for them, however much slack there is', () => {
    expect(holds(FLOORS, at(9, 1).slice(1), 1_000)).toEqual([false, true])
    expect(holds(FLOORS, [{ row: 'another row', contender: 'slow', ratio: 9 }], 1_000)).toEqual([false, false])
    expect(judge(FLOORS, [])[0]).toMatchObject({ row: 'row', contender: 'slow', ratio: undefined, ok: false })
  })

  it('may be missed by the slack, and no more', () => {
    expect(holds(FLOORS, at(0.5, 12), 4)).toEqual([true, true])
    expect(holds(FLOORS, at(0.49, 12.1), 4)).toEqual([false, false])
  })

  it('can be set below what was measured', () => {
    expect(lowered(FLOORS, at(10, 1), 0.15)).toEqual({ row: { slow: { least: 8.5 }, quick: { least: 0.85 } } })
    expect(() => lowered(FLOORS, at(10, 1).slice(1), 0.15)).toThrow('nothing was measured for row, slow')
  })

  it.each([
    ['{}', 'there is no floor'],
    ['{"row":{"a":{}}}', 'the floor of row, a needs least or most'],
    ['{"row":{"a":{"least":0}}}', 'above 0'],
    ['{"row":{"a":{"atLeast":1}}}', 'needs least or most'],
    ['{"row":{"a":{"least":"1"}}}', 'needs least or most'],
  ])('that could never fail are refused: %s', (text, message) => {
    expect(() => parseFloors(text)).toThrow(message)
  })
})

describe('several tries', () => {
  const limits = { tries: 3, slack: 1 }
  const run = async (attempts: readonly (readonly Comparison[])[]): Promise<{ ok: string[]; asked: string[][] }> => {
    const asked: string[][] = []
    const verdicts = await judgeSeveralTimes(
      FLOORS,
      (left, attempt) => {
        asked.push(Object.values(left).flatMap((of) => Object.keys(of)))
        return Promise.resolve(attempts[attempt - 1] ?? [])
      },
      limits,
    )
    return { ok: verdicts.filter(({ ok }) => ok).map(({ contender }) => contender), asked }
  }

  it('measure again what did not hold, and nothing else', async () => {
    expect(await run([at(1, 1), at(3, 9)])).toEqual({ ok: ['quick', 'slow'], asked: [['slow', 'quick'], ['slow']] })
  })

  it('end with what never held', async () => {
    const { ok, asked } = await run([at(1, 1), at(1, 1), at(1, 1), at(9, 1)])
    expect(ok).toEqual(['quick'])
    expect(asked).toHaveLength(3)
  })

  it('do not help a floor that nothing is measured for', async () => {
    expect(await run([at(3, 1).slice(1)])).toEqual({ ok: ['quick'], asked: [['slow', 'quick']] })
  })
})

describe('what is compared', () => {
  const one = (contender: string, ratio: number): Measured => ({ contender, ratio, value: 1, least: 1, most: 1 })

  it('of times, the shorter one is the faster one', () => {
    const measured = [one('every character read once', 1), one('sharded-cache, locate', 2), one('hashring 3.2.0', 50)]
    const results = { machine: machine(), keys: 1, rounds: 1, lookups: [{ nodes: 10, measured }] }
    expect(ofRouting({ ...results, build: { nodes: 1, points: 1, whole: 1, add: 1 } })).toEqual([
      { row: 'routing: 10 nodes', contender: 'every character read once', ratio: 0.5 },
      { row: 'routing: 10 nodes', contender: 'hashring', ratio: 25 },
    ])
    const row = { title: 'peek', versions: {}, measured: [one('sharded-cache', 1), one('lru-cache, get', 0.8)] }
    expect(ofL1({ machine: machine(), rounds: 1, leftOut: [], rows: [row] })).toEqual([
      { row: 'l1: peek', contender: 'lru-cache, get', ratio: 0.8 },
    ])
    const misses = [one('sharded-cache, no L1', 2), one('ioredis 6, by hand', 1)]
    expect(ofMisses([{ inFlight: 32, measured: misses }])).toEqual([
      { row: 'loader: a miss, 32 in flight', contender: 'ioredis 6, by hand', ratio: 0.5 },
    ])
  })

  it('of calls, the greater number is', () => {
    const what = { kind: 'redis', operation: 'get', size: 100, nodes: 1, inFlight: 32 } as const
    const measured = [one('sharded-cache', 3), one('ioredis 5', 1), one('iovalkey', 2)]
    const results = { machine: machine(), versions: {}, leftOut: [], rounds: 1 }
    expect(ofThroughput({ ...results, cases: [{ ...what, baseline: 'ioredis 5', measured }] })).toEqual([
      { row: 'throughput: get, 100 characters, one redis node, 32 in flight', contender: 'ioredis 5', ratio: 3 },
      { row: 'throughput: get, 100 characters, one redis node, 32 in flight', contender: 'iovalkey', ratio: 1.5 },
    ])
  })
})

it('every floor of the file is of a row that is measured', () => {
  const floors = parseFloors(readFileSync(new URL('../../bench/floors.json', import.meta.url), 'utf8'))
  const rows = [
    ...[10, 100].map(routingRow),
    ...ROWS.map(({ title }) => l1Row(title)),
    ...IN_FLIGHT.map(missRow),
    ...TABLES.flat().map((one) => throughputRow(one)),
  ]
  expect(Object.keys(floors).filter((row) => !rows.includes(row))).toEqual([])
})
