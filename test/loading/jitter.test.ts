import { describe, expect, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { AT_FRESH_UNTIL } from '../../src/entry/envelope.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { ManualClock, seededRandom } from '../../src/testing/index.ts'
import { bench, makeCache } from '../support/caches.ts'

const KEYS: readonly string[] = Array.from({ length: 100_000 }, (_, i) => `key:${i}`)
const TTL = 100_000
const BATCH = 10_000
/** So many keys take their time on a busy machine. */

function batches(): string[][] {
  return Array.from({ length: KEYS.length / BATCH }, (_, i) => KEYS.slice(i * BATCH, (i + 1) * BATCH))
}

const WRITES: [string, (cache: ShardedCache) => Promise<void>][] = [
  [
    'written',
    async (cache) => {
      for (const keys of batches()) await cache.setMany(keys.map((key) => [key, 1]))
    },
  ],
  [
    'loaded',
    async (cache) => {
      for (const keys of batches()) await cache.getOrLoadMany(keys, (missing) => missing.map((key) => [key, 1]))
    },
  ],
]

/** For how long each of many keys is fresh, all written at one moment, as their envelopes say. */
async function lives(jitter: number, write: (cache: ShardedCache) => Promise<void>): Promise<number[]> {
  const { cache, server, clock } = await bench({ random: seededRandom(20), ttl: TTL, jitter })
  await write(cache)
  return Array.from(
    server.store.values(),
    ({ value }) => Buffer.from(value).readUIntBE(AT_FRESH_UNTIL, 6) - clock.now(),
  )
}

describe('100,000 keys that are written together', () => {
  it.each(WRITES)('%s: with jitter 0.2 their ends are spread evenly over the last fifth of ttl', async (_, write) => {
    const ends = await lives(0.2, write)
    expect(ends).toHaveLength(KEYS.length)
    let [least, most] = [Infinity, 0]
    const deciles = Array.from({ length: 10 }, () => 0)
    for (const end of ends) {
      least = Math.min(least, end)
      most = Math.max(most, end)
      deciles[Math.min(9, Math.floor((end - 0.8 * TTL) / (0.02 * TTL)))]!++
    }
    expect(least).toBeGreaterThanOrEqual(0.8 * TTL)
    expect(most).toBeLessThanOrEqual(TTL)
    for (const count of deciles) expect(Math.abs(count - 10_000)).toBeLessThanOrEqual(1_000)
  })

  it.each(WRITES)('control, %s: without jitter they all end at one moment', async (_, write) => {
    expect(new Set(await lives(0, write))).toEqual(new Set([TTL]))
  })

  it('with jitter, half of the keys have expired in the middle of the last fifth, and none before', async () => {
    const clock = new ManualClock()
    const nodes = [memoryNode('m', { max: 200_000, maxBytes: 2 ** 30 })]
    const cache = await makeCache({ nodes, clock, random: seededRandom(20), ttl: TTL, jitter: 0.2 })
    await WRITES[0]![1](cache)
    clock.advance(0.8 * TTL - 1)
    expect((await cache.getMany(KEYS)).size).toBe(KEYS.length)
    clock.advance(0.1 * TTL)
    expect(Math.abs((await cache.getMany(KEYS)).size - KEYS.length / 2)).toBeLessThanOrEqual(1_000)
    clock.advance(0.1 * TTL + 1)
    expect((await cache.getMany(KEYS)).size).toBe(0)
  })
})

describe('jitter', () => {
  it('holds for a space, a call and the ttl that a loader names', async () => {
    const clock = new ManualClock()
    const cache = await makeCache({ nodes: [memoryNode('m')], clock, random: () => 0.5, ttl: TTL })
    const life = async (key: string, from: Pick<ShardedCache, 'getEntry'> = cache): Promise<number> =>
      (await from.getEntry(key))!.freshUntil! - clock.now()
    const space = cache.space('s', { jitter: 0.2 })
    await space.set('key', 1)
    await cache.getOrLoad('call', () => 1, { jitter: 1 })
    await cache.getOrLoad('context', (context) => (context.ttl(1_000), 1), { jitter: 0.5 })
    await cache.getOrLoad('none', () => 1)
    const found = [await life('s:key'), await life('call'), await life('context'), await life('none')]
    expect(found).toEqual([0.9 * TTL, 0.5 * TTL, 750, TTL])
  })

  it('never makes a life of less than 1 ms: that would be none', async () => {
    const clock = new ManualClock()
    const cache = await makeCache({ nodes: [memoryNode('m')], clock, random: () => 1 - 2 ** -32, ttl: 1, jitter: 1 })
    await cache.set('key', 1)
    expect(await cache.get('key')).toBe(1)
  })
})
