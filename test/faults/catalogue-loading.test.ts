import { expect } from 'vitest'
import { ShardedCache } from '../../src/cache.ts'
import { systemClock } from '../../src/base/clock.ts'
import type { CacheOptions } from '../../src/options.ts'
import { redisNode } from '../../src/redis/index.ts'
import type { Lab, LabOptions } from '../lab/lab.ts'
import { rejection } from '../support/caches.ts'
import { gate } from '../support/fake-node.ts'
import { keysOn } from '../support/fleet.ts'
import { redisText, until } from '../support/servers.ts'
import { nothingLeftBehind, plant, row } from './catalogue.ts'

nothingLeftBehind()

/** Milliseconds: of leases, and of what must not last that long. */
const LEASE = 400
const LONG = 20_000
/** Ten minutes. */
const AHEAD = 600_000
/** A machine that is busy must not look like a node that fails. */
const PATIENT = { nodeTimeout: 1_000, lease: LEASE }

/** A row with a second cache on the lab's server, as another process would have one; it does not go through the proxy. */
function rowOfTwo(
  name: string,
  run: (lab: Lab, other: ShardedCache) => Promise<unknown>,
  options: Omit<LabOptions, 'servers'> = {},
  others: Partial<CacheOptions> = {},
): void {
  const all = { ...options, servers: ['redis'] as const, cache: { ...PATIENT, ...options.cache } }
  row(name, all, async (lab) => {
    const nodes = [redisNode(lab.servers[0]!.url, { id: 'n0' })]
    const other = await ShardedCache.create({ ...PATIENT, ...others, nodes })
    try {
      return await run(lab, other)
    } finally {
      await other.close()
    }
  })
}

/** A load by one cache while another one waits for it: resolves, inside the first one's loader. */
async function waits(first: ShardedCache, second: () => Promise<unknown>, loader: () => unknown, how = {}) {
  const inside = gate()
  const leading = first.getOrLoad(
    'key',
    () => {
      inside.open()
      return loader()
    },
    how,
  )
  leading.catch(() => {})
  await inside.promise
  return { leading, waiting: second() }
}

rowOfTwo('a loader throws under its lease: the other process loads at once', async (lab, other) => {
  const failing = gate()
  const load = (): Promise<string> => Promise.resolve('theirs')
  const throws = (): Promise<never> => failing.promise.then(() => Promise.reject(new Error('no database')))
  // A lease that would last: only that it was given back lets the other one go on.
  const made = await waits(lab.cache, () => other.getOrLoad('key', load), throws, { lease: LONG })
  failing.open()
  expect(await rejection(made.leading)).toMatchObject({ code: 'ERR_LOAD' })
  expect(await made.waiting).toBe('theirs')
  expect(await lab.cache.get('key')).toBe('theirs')
})

rowOfTwo('a loader hangs under its lease: given up, it lets the other process load', async (lab, other) => {
  const load = (): Promise<string> => Promise.resolve('theirs')
  const hangs = (): Promise<never> => new Promise(() => {})
  const how = { lease: LONG, hardTimeout: 150 }
  const made = await waits(lab.cache, () => other.getOrLoad('key', load), hangs, how)
  // Who has no more patience than the one who loads is told so.
  const impatient = rejection(
    other.getOrLoad('key', load, { hardTimeout: 50, cache: 'bypass' }).then(() => made.leading),
  )
  expect(await impatient).toMatchObject({ code: 'ERR_LOAD_TIMEOUT' })
  expect(await made.waiting).toBe('theirs')
})

rowOfTwo(
  'a loader has nothing under its lease: nothing is cached, the other process asks itself',
  async (lab, other) => {
    const none = gate<undefined>()
    const load = (): Promise<string> => Promise.resolve('theirs')
    const made = await waits(
      lab.cache,
      () => other.getOrLoad('key', load),
      () => none.promise,
      { lease: LONG },
    )
    none.open(undefined)
    expect(await made.leading).toBeUndefined()
    expect(await made.waiting).toBe('theirs')
  },
)

rowOfTwo(
  'corrupt bytes in place of a lease: what was loaded is returned, and the key can be loaded again',
  async (lab, other) => {
    const server = lab.servers[0]!
    for (const size of [1, 20, 64, 200]) {
      const database = gate<string>()
      const key = `corrupt-${size}`
      const inside = gate()
      const leading = lab.cache.getOrLoad(key, () => {
        inside.open()
        return database.promise
      })
      await inside.promise
      await plant(server, lab.cache.explain(key).storedKey, Buffer.alloc(size, 0xa5))
      expect(await other.getOrLoad(key, () => 'theirs')).toBe('theirs')
      database.open('loaded')
      expect(await leading).toBe('loaded')
      await until(async () => (await other.getOrLoad(key, () => 'again')) !== undefined)
      await until(async () => (await other.get(key)) !== undefined, `${key} to be cached`)
    }
  },
)

for (const [what, spoil, mend] of [
  ['WRONGTYPE', 'LPUSH key a', 'DEL key'],
  ['OOM', 'CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0'],
] as const) {
  rowOfTwo(`${what} while leasing: the value is returned and not cached`, async (lab, other) => {
    const { port } = lab.servers[0]!
    for (const cache of [lab.cache, other]) {
      await redisText(port, spoil)
      let loads = 0
      const load = (): number => ++loads
      expect(await Promise.all([cache.getOrLoad('key', load), cache.getOrLoad('key', load)])).toEqual([1, 1])
      expect(await cache.getOrLoad('key', load)).toBe(2)
      expect((await cache.getOrLoadMany(['key', 'more'], (keys) => new Map(keys.map((key) => [key, 3])))).size).toBe(2)
      expect(await cache.get('key')).toBeUndefined()
      await redisText(port, mend)
      await until(async () => (await cache.getOrLoad('key', load)) === (await cache.get('key')), 'it to be cached')
      await cache.deleteMany(['key', 'more'])
    }
  })
}

rowOfTwo(
  'the holder of a lease stands still for longer than it: what it loaded is not cached over what is newer',
  async (lab, other) => {
    const database = gate<string>()
    const loads: string[] = []
    const load = (): string => {
      loads.push('theirs')
      return 'newer'
    }
    const standsStill = (): Promise<string> => {
      const end = performance.now() + 2 * LEASE
      while (performance.now() < end);
      return database.promise
    }
    const { leading, waiting } = await waits(lab.cache, () => other.getOrLoad('key', load), standsStill)
    expect(await waiting).toBe('newer')
    expect(await other.delete('key')).toMatchObject({ status: 'deleted' })
    database.open('old')
    expect(await leading).toBe('old')
    expect(await other.get('key')).toBeUndefined()
    expect(await lab.cache.get('key')).toBeUndefined()
    expect(loads).toHaveLength(1)
  },
)

for (const [name, offset] of [
  ['ahead', AHEAD],
  ['behind', -AHEAD],
] as const) {
  const clock = { ...systemClock, now: (): number => systemClock.now() + offset }
  rowOfTwo(
    `a clock ten minutes ${name}: its leases and its entries end in time`,
    async (lab, other) => {
      const { cache } = lab
      const [server, proxy] = [lab.servers[0]!, lab.proxies[0]!]
      // Entries: whatever the times in them say.
      expect(await cache.getOrLoad('entry', () => 1, { ttl: 300 })).toBe(1)
      await until(async () => (await keysOn(server)) === 0, 'the entry to end', 5_000)
      expect(await other.get('entry')).toBeUndefined()
      // Leases, on what is there and on what is not: the holder is cut off, which to others is as if it were dead.
      await other.getOrLoad('there', () => 'old', { ttl: '1m' })
      const hangs = (): Promise<never> => new Promise(() => {})
      const held = ['there', 'absent'].map(async (key) => {
        const inside = gate()
        const load = (): Promise<never> => (inside.open(), hangs())
        cache.getOrLoad(key, load, { cache: 'refresh', hardTimeout: '30s' }).catch(() => {})
        await inside.promise
      })
      await Promise.all(held)
      expect(await keysOn(server)).toBe(2)
      proxy.pause()
      for (const key of ['there', 'absent']) {
        const begun = performance.now()
        const value = await other.getOrLoad(key, () => 'new', { cache: key === 'there' ? 'refresh' : 'use' })
        expect(value).toBe('new')
        expect(performance.now() - begun).toBeLessThan(LONG / 4)
        await until(async () => (await other.get(key)) === 'new', `${key} to be cached`)
      }
      proxy.resume()
    },
    { proxy: true, cache: { clock } },
  )
}
