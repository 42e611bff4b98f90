import type { ShardedCache } from '../../src/cache.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { makeCache } from '../support/caches.ts'
import { FakeServer, isDown, works } from '../support/fake-node.ts'
import type { CacheOptions } from '../../src/options.ts'
import { NodeError } from '../../src/base/errors.ts'

/** A cache that ejects, on fake servers named by letters. */
export interface EjectBench {
  readonly cache: ShardedCache
  readonly clock: ManualClock
  readonly servers: Readonly<Record<string, FakeServer>>
  /** Keys that a node owns. */
  owned(id: string, count: number): string[]
  /** Takes a node down, and lets that be noticed. */
  down(id: string): Promise<void>
  /** Brings it back: its circuit closes with its next probe. */
  up(id: string): void
}

export async function ejectBench(ids: string, options: Partial<CacheOptions> = {}): Promise<EjectBench> {
  const clock = new ManualClock()
  const servers = Object.fromEntries(Array.from(ids, (id) => [id, new FakeServer(id)]))
  const nodes = Object.values(servers).map((server) => server.node())
  const cache = await makeCache({ nodes, clock, eject: true, random: () => 0, ...options })
  const owned = (id: string, count: number): string[] => {
    const keys: string[] = []
    for (let i = 0; keys.length < count; i++) if (cache.explain(`key:${i}`).owner === id) keys.push(`key:${i}`)
    return keys
  }
  const { connects } = new FakeServer()
  return {
    cache,
    clock,
    servers,
    owned,
    async down(id) {
      const server = servers[id] as FakeServer
      server.all = isDown
      server.connects = () => Promise.reject(new NodeError('ERR_NODE_DOWN', `${id} is down`))
      // The first opens its circuit, the second finds it open.
      for (let i = 0; i < 2; i++) await cache.get(owned(id, 1)[0] as string)
    },
    up(id) {
      const server = servers[id] as FakeServer
      server.all = works
      server.connects = connects
    },
  }
}
