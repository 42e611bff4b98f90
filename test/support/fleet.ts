import { createConnection } from 'node:net'
import { memcachedNode } from '../../src/memcached/index.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { redisNode } from '../../src/redis/index.ts'
import { memcachedText } from '../memcached/raw.ts'
import { redisText, startMemcached, startRedis, startReplica, type TestServer } from './servers.ts'

/** Three Redis servers, the first with a replica, and three memcacheds. */
export interface Fleet {
  readonly redis: readonly [TestServer, TestServer, TestServer]
  readonly replica: TestServer
  readonly memcached: readonly [TestServer, TestServer, TestServer]
  /** All seven, the primaries first. */
  readonly servers: readonly TestServer[]
  /** The six nodes of one cache: `r1` to `r3` and `m1` to `m3`. */
  nodes(): NodeSpec[]
  stop(): Promise<void>
}

export async function startFleet(): Promise<Fleet> {
  const redis = await Promise.all([startRedis(), startRedis(), startRedis()])
  const memcached = await Promise.all([startMemcached(), startMemcached(), startMemcached()])
  const replica = await startReplica(redis[0])
  const servers = [...redis, ...memcached, replica]
  return {
    redis,
    replica,
    memcached,
    servers,
    nodes: () => [
      ...redis.map(({ url }, i) => redisNode(url, { id: `r${i + 1}`, replicas: i === 0 ? [replica.url] : [] })),
      ...memcached.map(({ url }, i) => memcachedNode(url, { id: `m${i + 1}` })),
    ],
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

/** How many times a Redis server ran these commands since its statistics were reset. */
export async function redisCalls(server: TestServer, ...commands: string[]): Promise<number> {
  const info = await redisText(server.port, 'INFO commandstats')
  const calls = (command: string): number => Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(info)?.[1] ?? 0)
  return commands.reduce((sum, command) => sum + calls(command), 0)
}

/** How many keys a Redis server read since its statistics were reset: hits and misses. */
export async function redisReads(server: TestServer): Promise<number> {
  const info = await redisText(server.port, 'INFO stats')
  const value = (name: string): number => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1])
  return value('keyspace_hits') + value('keyspace_misses')
}

/** Sets the statistics of Redis servers to zero. */
export async function resetStats(...servers: TestServer[]): Promise<void> {
  await Promise.all(servers.map(({ port }) => redisText(port, 'CONFIG RESETSTAT')))
}

/** How many keys are on a server. */
export async function keysOn({ kind, port }: TestServer): Promise<number> {
  if (kind === 'redis') return Number(/:(\d+)/.exec(await redisText(port, 'DBSIZE'))?.[1])
  return memcachedStat(port, 'curr_items')
}

/** One of memcached's statistics. */
export async function memcachedStat(port: number, name: string): Promise<number> {
  return Number(new RegExp(`STAT ${name} (\\d+)`).exec(await memcachedText(port, 'stats'))?.[1])
}

/** The ids of the connections to a Redis server, but for the one that asks. */
export async function clientIds(server: TestServer): Promise<number[]> {
  const list = await redisText(server.port, 'CLIENT LIST')
  return [...list.matchAll(/^id=(\d+) .*$/gm)]
    .filter(([line]) => !line.includes('cmd=client'))
    .map(([, id]) => Number(id))
}

/** What a client in another language gets for a key: the bytes, over a bare connection. */
export function foreignGet({ kind, port }: TestServer, key: string): Promise<Buffer> {
  const request = kind === 'redis' ? `GET ${key}\r\nQUIT\r\n` : `get ${key}\r\nquit\r\n`
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write(request))
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.once('error', reject)
    socket.once('close', () => {
      const reply = Buffer.concat(chunks)
      const head = reply.subarray(0, reply.indexOf('\r\n')).toString()
      const size = Number(/^(?:\$|VALUE \S+ \d+ )(\d+)$/.exec(head)?.[1])
      const start = head.length + 2
      if (Number.isNaN(size)) reject(new Error(`there is no ${key}: ${head}`))
      else resolve(reply.subarray(start, start + size))
    })
  })
}

const TICK = 5
/** A shorter gap between two ticks is work, not a stall. */
const STALL = 15

/** How long calls took, and for how long this process did not get to run meanwhile. */
export class Stopwatch {
  slowest = 0
  calls = 0
  #stalled = 0
  #last: number = performance.now()
  readonly #ticks = setInterval(() => this.#tick(), TICK)

  /** Times a call, less the time its loader took. */
  async time<T>(call: (loader: (ms: number) => void) => Promise<T>): Promise<T> {
    const start = performance.now()
    let loading = 0
    const value = await call((ms) => (loading += ms))
    this.slowest = Math.max(this.slowest, performance.now() - start - loading)
    this.calls++
    return value
  }

  /** For how long the event loop did not turn when it should have, in milliseconds; ends the measurement. */
  stop(): number {
    this.#tick()
    clearInterval(this.#ticks)
    return this.#stalled
  }

  #tick(): void {
    const now = performance.now()
    const late = now - this.#last - TICK
    if (late > STALL) this.#stalled += late
    this.#last = now
  }
}
