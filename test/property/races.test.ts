import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { Flights } from '../../src/loading/flight.ts'
import { Fence } from '../../src/tier/fence.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { makeCache } from '../support/caches.ts'
import { FakeServer, type Behaviour } from '../support/fake-node.ts'

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/**
 * A server: what is asked arrives in order, and is answered in any, each some turns of the event loop later, as if each
 * answer had a way of its own.
 */
function inAnyOrder(random: () => number): Behaviour {
  let arrived: Promise<unknown> = Promise.resolve()
  const some = (): number => Math.floor(random() * 4)
  return (answer) => {
    const outcomes = Promise.all([arrived, turns(some())]).then(answer)
    arrived = outcomes
    return outcomes.then(() => turns(some())).then(() => outcomes)
  }
}

const KEYS = ['a', 'b', 'c'] as const
const WORKERS = 8
const STEPS = 150

/** Workers read, load, change and delete three keys at random; returns how many reads were older than an acknowledged change. */
async function race(seed: number): Promise<{ stale: number; reads: number }> {
  const random = seededRandom(seed)
  const servers = ['x', 'y'].map((id) => new FakeServer(id))
  for (const server of servers) server.all = inAnyOrder(random)
  const cache: ShardedCache = await makeCache({ nodes: servers.map((server) => server.node()), l1: { ttl: '1h' } })
  const database = new Map<string, number>(KEYS.map((key) => [key, 0]))
  /** The newest change of each key that was acknowledged. */
  const floor = new Map<string, number>(KEYS.map((key) => [key, 0]))
  let version = 0
  let stale = 0
  let reads = 0

  const load = async (key: string): Promise<number> => {
    await turns(Math.floor(random() * 3))
    const value = database.get(key)!
    await turns(Math.floor(random() * 6))
    return value
  }
  const read = async (keys: readonly string[], ask: () => Promise<ReadonlyMap<string, number>>): Promise<void> => {
    const least = keys.map((key) => floor.get(key)!)
    const found = await ask()
    for (const [i, key] of keys.entries()) {
      reads++
      if ((found.get(key) ?? Infinity) < least[i]!) stale++
    }
  }
  const one = (key: string, value: number | undefined): Map<string, number> =>
    value === undefined ? new Map() : new Map([[key, value]])
  const change = async (key: string, tell: (value: number) => Promise<{ ok: boolean }>): Promise<void> => {
    const value = ++version
    database.set(key, value)
    const { ok } = await tell(value)
    if (ok) floor.set(key, Math.max(floor.get(key)!, value))
  }
  const step = (key: string): Promise<void> => {
    switch (Math.floor(random() * 10)) {
      case 0:
      case 1:
        return change(key, () => cache.delete(key))
      case 2:
        return change(key, (value) => cache.set(key, value))
      case 3:
        return read([key], async () => one(key, await cache.get<number>(key)))
      case 4:
        return read(KEYS, () => cache.getMany<number>(KEYS))
      case 5:
        return read(KEYS, () =>
          cache.getOrLoadMany<number>(KEYS, (missing) =>
            Promise.all(missing.map(async (name) => [name, await load(name)] as const)),
          ),
        )
      case 6:
        return read([key], async () => one(key, await cache.getOrLoad(key, () => load(key), { cache: 'refresh' })))
      default:
        return read([key], async () => one(key, await cache.getOrLoad(key, () => load(key))))
    }
  }
  await Promise.all(
    Array.from({ length: WORKERS }, async () => {
      for (let i = 0; i < STEPS; i++) {
        await step(KEYS[Math.floor(random() * KEYS.length)]!)
        await turns(Math.floor(random() * 3))
      }
    }),
  )
  return { stale, reads }
}

const SEEDS = [1, 2, 3, 4, 5, 6]

describe('changes and reads of few keys by many callers of one process', () => {
  afterEach(() => void vi.restoreAllMocks())

  it.each(SEEDS)('no read is older than a change acknowledged before it began (seed %i)', async (seed) => {
    const { stale, reads } = await race(seed)
    expect(reads).toBeGreaterThan(1_000)
    expect(stale).toBe(0)
  })

  it('control: without the fence of L1 some are', async () => {
    vi.spyOn(Fence.prototype, 'stamp').mockReturnValue(0)
    const races = await Promise.all(SEEDS.map(race))
    expect(races.reduce((sum, { stale }) => sum + stale, 0)).toBeGreaterThan(0)
  })

  it('control: without the fence of loads some are', async () => {
    vi.spyOn(Flights.prototype, 'fence').mockImplementation(() => {})
    const races = await Promise.all(SEEDS.map(race))
    expect(races.reduce((sum, { stale }) => sum + stale, 0)).toBeGreaterThan(0)
  })
})
