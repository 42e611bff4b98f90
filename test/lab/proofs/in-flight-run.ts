import { setTimeout as sleep } from 'node:timers/promises'
import { MAJORS } from '../../redis/majors.ts'
import { startMemcached, startRedis, until, type TestServer } from '../../support/servers.ts'
import { leftOver, resources, UnhandledMeter } from '../meters.ts'
import type { Open, Timed } from './in-flight-cache.ts'

/** The cache's `nodeTimeout` unless it is told otherwise, in milliseconds. */
export const DEADLINE = 250
/** How much later calls may settle. */
export const GRACE = 50

/** Calls to make while all servers hang. */
export interface Storm {
  readonly name: string
  readonly calls: number
  /** How many keys they ask for, in turn. */
  readonly keys: number
  /** Over how many milliseconds they begin; 0: all in one turn of the event loop. */
  readonly over: number
  /** How long the loader takes, in milliseconds. */
  readonly loader: number
}

/** What became of a storm. Times in milliseconds. */
export interface StormResult {
  readonly storm: Storm
  /** Calls that gave the loader's value. */
  readonly answered: number
  readonly loads: number
  /** How long the last call took to begin, and all of them to settle, from the first. */
  readonly begun: number
  readonly settled: number
  /** Per call, without the time of its own load. */
  readonly median: number
  readonly slowest: number
  /** The most that a call took beyond its deadline, its load, and the time by which this process was late meanwhile. */
  readonly over: number
  /** By how much this process was late with what was due, and for how long it was busy. */
  readonly behind: number
  readonly busy: number
}

/** Times, in milliseconds. */
export interface Spread {
  readonly median: number
  readonly p99: number
}

export interface InFlightResult {
  readonly storms: readonly StormResult[]
  /** What the cache adds to a load while all circuits are open: one after another, and 100 at a time. */
  readonly alone: Spread
  readonly together: Spread
  /** From SIGCONT until all circuits are closed, and from `close()` until it resolves. */
  readonly recovered: number
  readonly closed: number
  readonly unhandled: readonly string[]
  /** What keeps the process alive after `close()`. */
  readonly left: readonly string[]
}

export interface InFlightOptions {
  readonly open: Open
  readonly storms: readonly Storm[]
  /** Loads to measure while circuits are open, each way. */
  readonly loads: number
  /** Calls made before anything is measured. */
  readonly warmUp: number
  readonly progress?: (text: string) => void
}

/** Stops all of six servers while calls are under way, and starts them again. */
export async function runInFlight(options: InFlightOptions): Promise<InFlightResult> {
  const { open, warmUp, loads, progress = () => {} } = options
  const unhandled = new UnhandledMeter()
  const servers = await Promise.all([
    ...Array.from({ length: 3 }, () => startRedis()),
    ...Array.from({ length: 3 }, () => startMemcached()),
  ])
  const before = resources()
  try {
    const cache = await open(servers)
    progress('warming up')
    for (let i = 0; i < warmUp; i += 200) {
      await Promise.all(Array.from({ length: 200 }, (_, n) => cache.getOrLoad(`warm-${(i + n) % 5_000}`, () => 1)))
    }
    const storms: StormResult[] = []
    let recovered = 0
    for (const [i, storm] of options.storms.entries()) {
      progress(storm.name)
      hang(servers)
      storms.push(await run(cache, storm, `storm-${i}`))
      recovered = Math.max(recovered, await recover(cache, servers))
    }
    hang(servers)
    progress('loads while all circuits are open')
    await until(async () => {
      await Promise.all(Array.from({ length: 60 }, (_, i) => cache.getOrLoad(`open-${i}`, () => 1)))
      return cache.stats().nodes.every(({ members }) => members[0]?.circuit !== 'closed')
    }, 'all circuits to open')
    const alone = await measureLoads(cache, loads, 1)
    const together = await measureLoads(cache, loads, 100)
    recovered = Math.max(recovered, await recover(cache, servers))
    const start = performance.now()
    await cache.close()
    const closed = performance.now() - start
    await until(() => leftOver(before).length === 0, 'the resources to be let go', 1_000).catch(() => {})
    return { storms, alone, together, recovered, closed, unhandled: [...unhandled.errors], left: leftOver(before) }
  } finally {
    unhandled.stop()
    await Promise.all(servers.map((server) => server.stop()))
  }
}

function hang(servers: readonly TestServer[]): void {
  for (const server of servers) server.pause()
}

async function recover(cache: Timed, servers: readonly TestServer[]): Promise<number> {
  const start = performance.now()
  for (const server of servers) server.resume()
  await until(
    async () => {
      // What does not answer is found out by asking.
      await Promise.all(Array.from({ length: 60 }, (_, i) => cache.set(`recover-${i}`, 1)))
      return cache.stats().nodes.every(({ members }) => members.every(({ state }) => state === 'up'))
    },
    'all circuits to close',
    40_000,
  )
  return performance.now() - start
}

const BEAT = 5

/** By how much this process is late with what is due every 5 ms: it works, or other processes have the processor. */
class LateMeter {
  #late = 0
  #last: number = performance.now()
  readonly #beat: NodeJS.Timeout = setInterval(() => {
    this.#late = this.total()
    this.#last = performance.now()
  }, BEAT)

  /** Only beats begin anew: somebody who asks all the time would never find it late. */
  total(): number {
    // A millisecond is what timers are late by anyway.
    return this.#late + Math.max(0, performance.now() - this.#last - BEAT - 1)
  }

  stop(): void {
    clearInterval(this.#beat)
  }
}

async function run(cache: Timed, storm: Storm, name: string): Promise<StormResult> {
  const { calls, keys, over, loader } = storm
  const meter = new LateMeter()
  const took: number[] = []
  let [answered, loads, worst] = [0, 0, -Infinity]
  const loading = new Map<string, number>()
  const call = async (i: number): Promise<void> => {
    const key = `${name}-${i % keys}`
    const [late, start] = [meter.total(), performance.now()]
    const value = await cache.getOrLoad(key, async () => {
      loads++
      const began = performance.now()
      if (loader > 0) await sleep(loader)
      loading.set(key, performance.now() - began)
      return { key }
    })
    const ms = performance.now() - start - (loading.get(key) ?? 0)
    took.push(ms)
    worst = Math.max(worst, ms - DEADLINE - (meter.total() - late))
    if (value.key === key) answered++
  }
  const late = meter.total()
  const busy = performance.eventLoopUtilization()
  const start = performance.now()
  const all: Promise<void>[] = []
  for (;;) {
    const due = over === 0 ? calls : Math.min(calls, Math.ceil(((performance.now() - start) / over) * calls))
    while (all.length < due) all.push(call(all.length))
    if (all.length === calls) break
    await sleep(1)
  }
  const begun = performance.now() - start
  await Promise.all(all)
  const settled = performance.now() - start
  const result = {
    storm,
    answered,
    loads,
    begun,
    settled,
    over: worst,
    median: quantile(took, 0.5),
    slowest: quantile(took, 1),
    behind: meter.total() - late,
    busy: performance.eventLoopUtilization(busy).active,
  }
  meter.stop()
  return result
}

/** How much longer a load takes through the cache than its loader does: all begin `width` at a time. */
async function measureLoads(cache: Timed, loads: number, width: number): Promise<Spread> {
  const added: number[] = []
  const load = async (i: number): Promise<void> => {
    let loading = 0
    const start = performance.now()
    await cache.getOrLoad(`added-${width}-${i}`, async () => {
      const began = performance.now()
      await sleep(2)
      loading = performance.now() - began
      return i
    })
    added.push(performance.now() - start - loading)
  }
  for (let i = 0; i < loads; i += width) {
    await Promise.all(Array.from({ length: width }, (_, n) => load(i + n)))
  }
  return { median: quantile(added, 0.5), p99: quantile(added, 0.99) }
}

export function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** The control: a client library alone, with the loader behind it. How many of the calls settle within the deadline. */
export async function runBare(calls: number): Promise<number> {
  const server = await startRedis()
  const client = MAJORS[1]!.client(server.port)
  try {
    await client.info()
    server.pause()
    let settled = 0
    const load = async (key: string): Promise<string> => (await client.get(key).catch(() => null)) ?? key
    for (let i = 0; i < calls; i++) void load(`bare-${i}`).then(() => settled++)
    await sleep(2 * (DEADLINE + GRACE))
    return settled
  } finally {
    server.resume()
    client.disconnect()
    await server.stop()
  }
}
