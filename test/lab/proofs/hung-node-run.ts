import { setTimeout as sleep } from 'node:timers/promises'
import { startMemcached, startRedis, until, type TestServer } from '../../support/servers.ts'
import { StallMeter } from '../meters.ts'
import { quantile } from './in-flight-run.ts'
import type { Open, Timed } from './in-flight-cache.ts'

export type Calls = 'get' | 'getOrLoad'

export interface HungNodeOptions {
  readonly open: Open
  readonly kind: TestServer['kind']
  /** What is asked of the node that hangs. After a `get` that found nothing, `getOrLoad` has the loader's value to work on. */
  readonly calls: Calls
  readonly pairs: number
  /** How long each measurement lasts. */
  readonly seconds: number
  /** Calls per second, over all three nodes. */
  readonly rate: number
  readonly progress?: (pairs: number) => void
}

/** What is measured in each pair: all well, from the moment one hangs, later, and all well once more: how much chance there is. */
export type State = 'well' | 'fresh' | 'open' | 'again'

/** Of calls for keys of the two other nodes. */
export type Pairing = Readonly<Record<State, Measured>>

/** Milliseconds. */
export interface Measured {
  readonly p99: number
  /** For how long this process stood still. */
  readonly stalled: number
}

const KEYS = 200
/** How many calls for keys of the others may be under way; a call that finds no room waits for its turn. */
const CONCURRENCY = 64
const PAD = 'x'.repeat(200)

/** Measures three nodes in turn with all of them well, and with one of them stopped. */
export async function runHungNode(options: HungNodeOptions): Promise<Pairing[]> {
  const { kind, calls, pairs, seconds, rate, progress = () => {} } = options
  const start = kind === 'redis' ? startRedis : startMemcached
  const servers = await Promise.all([start(), start(), start()])
  const hung = servers[0] as TestServer
  try {
    const cache = await options.open(servers)
    const keys = { hung: keysOf(cache, ['n0'], KEYS / 2), well: keysOf(cache, ['n1', 'n2'], KEYS) }
    const fill = async (): Promise<void> => {
      for (const key of [...keys.hung, ...keys.well]) await cache.set(key, { key, pad: PAD })
    }
    const measure = (): Promise<Measured> => traffic(cache, keys, calls, seconds * 1_000, rate)
    await fill()
    await measure()
    const results: Pairing[] = []
    for (let pair = 0; pair < pairs; pair++) {
      const first = await measure()
      hung.pause()
      const fresh = await measure()
      const open = await measure()
      hung.resume()
      await until(async () => (await cache.set(keys.hung[0] ?? '', 1)).ok, 'the node to come back', 40_000)
      await fill()
      const last = await measure()
      // What is compared with comes before as often as after.
      const [well, again] = pair % 2 === 0 ? [first, last] : [last, first]
      results.push({ well, fresh, open, again })
      progress(pair + 1)
    }
    await cache.close()
    return results
  } finally {
    hung.resume()
    await Promise.all(servers.map((server) => server.stop()))
  }
}

function keysOf(cache: Timed, nodes: readonly string[], count: number): string[] {
  const keys: string[] = []
  for (let i = 0; keys.length < count; i++) if (nodes.includes(cache.explain(`key-${i}`).owner)) keys.push(`key-${i}`)
  return keys
}

/** Calls at a fixed rate, a third of them for keys of the node that may hang; only the others are timed. */
async function traffic(
  cache: Timed,
  keys: { hung: readonly string[]; well: readonly string[] },
  calls: Calls,
  ms: number,
  rate: number,
): Promise<Measured> {
  const took: number[] = []
  const all = new Set<Promise<unknown>>()
  let timed = 0
  const ask = (key: string, how: Calls): Promise<unknown> =>
    how === 'get' ? cache.get(key) : cache.getOrLoad(key, () => ({ key, pad: PAD }))
  const call = (n: number): void => {
    const hung = n % 3 === 0
    const turn = Math.floor(n / 3)
    const some = hung ? keys.hung : keys.well
    const key = some[(hung ? turn : n) % some.length] ?? ''
    const start = performance.now()
    if (!hung) timed++
    const settled = ask(key, hung ? calls : turn % 2 === 0 ? 'get' : 'getOrLoad').then(() => {
      all.delete(settled)
      if (hung) return
      timed--
      took.push(performance.now() - start)
    })
    all.add(settled)
  }
  const meter = new StallMeter()
  const start = performance.now()
  for (let n = 0; ;) {
    const elapsed = performance.now() - start
    if (elapsed >= ms) break
    while (n < (elapsed / 1_000) * rate && timed < CONCURRENCY) call(n++)
    await sleep(1)
  }
  const stalled = meter.total()
  await Promise.all(all)
  meter.stop()
  return { p99: quantile(took, 0.99), stalled }
}
