import { describe, expect, it } from 'vitest'
import { interleave, median } from '../../bench/kit/stats.ts'
import { versionOf } from '../../bench/kit/machine.ts'

describe('the median', () => {
  it.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
  ])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected)
  })
})

describe('interleaved rounds', () => {
  it('measure everybody once a round, another one first each time', async () => {
    const order: string[] = []
    await interleave(['a', 'b', 'c'], 'b', 3, (name) => order.push(name))
    expect(order.join('')).toBe('abcbcacab')
  })

  it('take the ratios within each round, so that a machine that slows down does not count', async () => {
    let calls = 0
    const speeds: Record<string, number> = { ours: 300, base: 100 }
    const measured = await interleave(['ours', 'base'], 'base', 4, (name) => {
      const round = Math.floor(calls++ / 2)
      return (speeds[name] as number) / 10 ** round
    })
    expect(measured.map(({ contender, ratio }) => [contender, Number(ratio.toFixed(9))])).toEqual([
      ['ours', 3],
      ['base', 1],
    ])
    expect(measured[1]).toMatchObject({ value: 5.5, least: 1, most: 1 })
  })
})

it('the version of a package is found, whatever it exports', () => {
  for (const name of ['ioredis', 'ioredis5', 'memjs', 'memcache', 'hashring'])
    expect(versionOf(name)).toMatch(/^\d+\.\d+/)
  expect([versionOf('ioredis5'), versionOf('ioredis')].map((version) => version[0])).toEqual(['5', '6'])
})
