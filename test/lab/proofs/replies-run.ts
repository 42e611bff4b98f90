import { ShardedCache } from '../../../src/cache.ts'
import type { NodeSpec } from '../../../src/node/spec.ts'
import { memcachedNode } from '../../../src/memcached/index.ts'
import { makeRedisNode } from '../../../src/redis/node.ts'
import { MAJORS } from '../../redis/majors.ts'
import { memcachedStat, redisReads } from '../../support/fleet.ts'
import { startMemcached, startRedis, until, type TestServer } from '../../support/servers.ts'
import { StallMeter, UnhandledMeter } from '../meters.ts'
import { startProxy, type Proxy } from '../proxy.ts'
import { Watch } from '../watch.ts'
import { nameOf, planCases, WAYS, type Case, type Way } from './replies-cases.ts'
import { PAD, Pair } from './replies-pair.ts'

export interface RepliesOptions {
  /** Spoilt replies, per way. */
  readonly faults: number
  /** Keys to read from servers, in all. */
  readonly reads: number
  /** Nodes per way, each behind a proxy of its own: a connection that is cut costs its node a second. */
  readonly pairs: number
  /** How many of them read at the same time. */
  readonly readers: number
  readonly seed: number
  /** All of them unless given. */
  readonly ways?: readonly Way[]
  /** The control: values are stored without a key check. */
  readonly naive?: boolean
  readonly progress?: (now: Progress) => void
}

export interface Progress {
  /** Replies spoilt so far, of how many. */
  readonly faults: number
  readonly of: number
}

/** What was done to the replies of one way. */
export interface WayResult {
  readonly way: Way
  /** By kind. */
  readonly faults: Readonly<Record<string, number>>
  /** The length of the reply to a GET, and how many of its bytes were struck while nothing else was under way. */
  readonly length: number
  readonly bytes: number
}

export interface RepliesResult {
  readonly ways: readonly WayResult[]
  /** Keys asked for by reads, those that servers were asked for, and those that came back with a value. */
  readonly reads: number
  readonly reached: number
  readonly hits: number
  readonly changes: number
  readonly wrong: number
  readonly halves: number
  readonly stale: number
  readonly late: number
  /** How far over its deadline the latest call was, stalls taken off, in milliseconds. */
  readonly latest: number
  readonly pending: number
  readonly rejected: number
  readonly unhandled: readonly string[]
  readonly violations: readonly string[]
  /** For how long this process stood still, and how long it all took, in milliseconds. */
  readonly stalled: number
  readonly ms: number
}

/** Whether nothing went wrong. */
export function isClean(result: RepliesResult): boolean {
  const { wrong, halves, stale, late, pending, rejected, unhandled } = result
  return wrong + halves + stale + late + pending + rejected + unhandled.length === 0
}

const NODE_TIMEOUT = 250

/** What one way's cases came to. */
interface Work {
  readonly way: Way
  readonly cases: Case[]
  readonly faults: Record<string, number>
  /** The bytes of a GET's reply at which one was struck while nothing else was under way. */
  readonly bytes: Set<number>
  readonly length: number
}

/** Spoils replies on all nodes of a cache, each in its turn, while all of them are read and written. */
export async function runReplies(options: RepliesOptions): Promise<RepliesResult> {
  const { faults, reads, pairs, seed, ways = WAYS } = options
  const began = performance.now()
  const stall = new StallMeter()
  const unhandled = new UnhandledMeter()
  const stops: (() => Promise<unknown>)[] = []
  try {
    const servers = {
      'ioredis 5': await startRedis(),
      'ioredis 6': await startRedis(),
      // With several threads, one that does not get to run does what was sent on a dropped connection after later commands.
      memcached: await startMemcached({ args: ['-t', '1'] }),
    }
    stops.push(...Object.values(servers).map((server) => () => server.stop()))
    const places: { way: Way; id: string; server: TestServer; proxy: Proxy }[] = []
    for (let i = 0; i < pairs * ways.length; i++) {
      const way = ways[i % ways.length] as Way
      const proxy = await startProxy(servers[way].port)
      stops.unshift(() => proxy.stop())
      places.push({ way, id: `n${i}`, server: servers[way], proxy })
    }
    const nodes = places.map(({ way, id, proxy }) => nodeOf(way, id, proxy))
    const cache = await ShardedCache.create({
      nodes,
      nodeTimeout: NODE_TIMEOUT,
      ...(options.naive ? { format: 'raw' } : {}),
    })
    stops.unshift(() => cache.close())
    const watch = new Watch(cache, { nodeTimeout: NODE_TIMEOUT, pad: PAD })
    stops.unshift(async () => watch.stop())

    const all = places.map((place, i) => new Pair(place.way, place.id, { ...place, cache, watch, seed: seed + i }))
    await Promise.all(all.map((pair) => pair.fill()))
    const works: Work[] = []
    for (const [i, way] of ways.entries()) {
      const length = await (all.find((pair) => pair.way === way) as Pair).replyLength()
      works.push({ way, cases: planCases(way, length, faults, seed * 31 + i), faults: {}, bytes: new Set(), length })
    }
    const reached = async (): Promise<number> =>
      (await redisReads(servers['ioredis 5'])) +
      (await redisReads(servers['ioredis 6'])) +
      (await memcachedStat(servers.memcached.port, 'cmd_get'))

    const gate = new Gate(options.readers)
    const quota = Math.ceil(reads / (faults * ways.length))
    const done = { faults: 0 }
    const ticking = setInterval(() => options.progress?.({ faults: done.faults, of: faults * ways.length }), 200)
    stops.unshift(async () => clearInterval(ticking))
    await Promise.all(
      all.map((pair) => drive(pair, works.find(({ way }) => way === pair.way) as Work, quota, gate, done)),
    )
    // What was read while a circuit was open came from nowhere.
    while ((await reached()) < reads) await Promise.all(all.map((pair) => gate.run(() => pair.burst())))
    await until(() => watch.pending === 0, 'all calls to settle')
    const { oracle } = watch
    return {
      ways: works.map(({ way, faults: counts, bytes, length }) => ({ way, faults: counts, length, bytes: bytes.size })),
      reads: oracle.reads,
      reached: await reached(),
      hits: oracle.hits,
      changes: all.reduce((sum, { changes }) => sum + changes, 0),
      wrong: oracle.wrong,
      halves: all.reduce((sum, { halves }) => sum + halves, 0),
      stale: oracle.stale,
      late: watch.late,
      latest: Math.round(watch.latest),
      pending: watch.pending,
      rejected: Object.values(watch.rejected).reduce((sum, count) => sum + count, 0),
      unhandled: [...unhandled.errors],
      violations: [...oracle.violations],
      stalled: Math.round(stall.total()),
      ms: Math.round(performance.now() - began),
    }
  } finally {
    for (const stop of stops) await stop()
    stall.stop()
    unhandled.stop()
  }
}

/** Takes one case after another, and reads between them as much as is its share. */
async function drive(pair: Pair, work: Work, quota: number, gate: Gate, done: { faults: number }): Promise<void> {
  for (;;) {
    const next = work.cases.pop()
    if (next === undefined) return
    const struck = await pair.strike(next)
    done.faults++
    const name = nameOf(next.harm)
    work.faults[name] = (work.faults[name] ?? 0) + 1
    if (struck && next.victim === 'get' && next.at < work.length) work.bytes.add(next.at)
    await pair.fill()
    let left = quota
    while (left > 0) left -= await gate.run(() => (left % 4 === 0 ? pair.row() : pair.burst()))
  }
}

function nodeOf(way: Way, id: string, proxy: Proxy): NodeSpec {
  if (way === 'memcached') return memcachedNode(proxy.url('memcached'), { id })
  const { Redis } = MAJORS.find(({ major }) => way.endsWith(`${major}`)) as (typeof MAJORS)[number]
  return makeRedisNode(Redis, proxy.url('redis'), { id })
}

/** Lets so many in at a time. */
class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(free: number) {
    this.#free = free
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#free--
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }
}
