import { Stamps } from '../../../src/base/stamps.ts'
import { Socket } from 'node:net'
import { systemClock } from '../../../src/base/clock.ts'
import { Deadlines } from '../../../src/base/deadlines.ts'
import { Events } from '../../../src/base/events.ts'
import { ShardedCache } from '../../../src/cache.ts'
import { memcachedNode } from '../../../src/memcached/index.ts'
import { isFailure } from '../../../src/node/contract.ts'
import { Guard } from '../../../src/node/guard.ts'
import type { NodeSpec } from '../../../src/node/spec.ts'
import { makeRedisNode } from '../../../src/redis/node.ts'
import { MAJORS, type Major } from '../../redis/majors.ts'
import type { Venue } from './ghost-writes-venue.ts'

/** Who writes in a round: it has one key, and a connection of its own. */
export interface Party {
  /** The key, as it is on the server. */
  readonly key: string
  /**
   * Writes the key; says whether that was acknowledged.
   *
   * @param behind how many other writes go before it in the same piece; only a node knows what to do with it
   */
  set(behind?: number): Promise<boolean>
  /** Removes the key; says whether that was acknowledged by the server. */
  delete(): Promise<boolean>
  /** Whether it reads a value. */
  reads(): Promise<boolean>
  /** Whether a removal is noted down, to be made up for. */
  owes(): boolean
  /** Waits for a connection, where that can be waited for. */
  connect(): Promise<void>
  close(): Promise<void>
}

/** The deadline of each command, in milliseconds. */
export const DEADLINE = 100
const TTL = 600_000
const PATIENCE = 2_000

/** The cache, with one node. */
export async function openCache(venue: Venue, name: string): Promise<Party> {
  const cache = await ShardedCache.create({ nodes: [nodeAt(venue)], nodeTimeout: DEADLINE })
  return {
    key: cache.explain(name).storedKey,
    set: async () => (await cache.set(name, 'old', { ttl: TTL })).ok,
    delete: async () => ['deleted', 'absent'].includes((await cache.delete(name)).status),
    reads: async () => (await cache.get(name)) !== undefined,
    owes: () => cache.stats().nodes.some(({ journal }) => journal.keys > 0),
    connect: () => Promise.resolve(),
    close: () => cache.close(),
  }
}

/** A node of the cache by itself: what a write that failed left behind is not removed here. */
export async function openNode(venue: Venue, key: string): Promise<Party> {
  const deadlines = new Deadlines(systemClock)
  const guard = new Guard('a', (given) => nodeAt(venue).primary.open(given), {
    clock: systemClock,
    deadlines,
    events: new Events(),
    stamps: new Stamps(systemClock),
    node: { nodeTimeout: DEADLINE, clock: systemClock },
    random: Math.random,
  })
  const connect = (): Promise<void> => guard.connect(PATIENCE).catch(() => {})
  await connect()
  return {
    key,
    set: async (behind = 0) => {
      const keys = [...Array.from({ length: behind }, (_, n) => `${key}/${n}`), key]
      const items = keys.map((each) => ({ key: each, value: Buffer.from('old'), ttl: TTL }))
      return (await guard.write(items, DEADLINE)).at(-1) === 'stored'
    },
    delete: async () => ['deleted', 'absent'].includes((await guard.remove([key], DEADLINE))[0] as string),
    reads: async () => {
      const [value] = await guard.read([key], DEADLINE)
      return value !== undefined && !isFailure(value)
    },
    owes: () => false,
    connect,
    close: async () => {
      await guard.close(DEADLINE)
      deadlines.close()
    },
  }
}

function nodeAt({ way, server, port, ca }: Venue): NodeSpec {
  if (way === 'memcached') return memcachedNode(server.url)
  const tls = ca === undefined ? {} : { tls: { ca } }
  return makeRedisNode(majorOf(way).Redis, `redis://${server.host}:${port}`, tls)
}

/** The version of ioredis. */
export function majorOf(way: Venue['way']): Major {
  return MAJORS.find(({ major }) => way.startsWith(`redis${major}`)) as Major
}

const plain = new Set<string>()
const { resetAndDestroy } = Socket.prototype

/**
 * The control: from now on connections to this place are closed where they would be reset. Gives a function that ends it.
 */
export function closePlainly({ server, port }: Venue): () => void {
  const place = `${server.host}:${port}`
  plain.add(place)
  Socket.prototype.resetAndDestroy = function (this: Socket): Socket {
    const ours = plain.has(`${this.remoteAddress}:${this.remotePort}`)
    return ours ? this.destroy() : resetAndDestroy.call(this)
  }
  return () => {
    plain.delete(place)
    if (plain.size === 0) Socket.prototype.resetAndDestroy = resetAndDestroy
  }
}
