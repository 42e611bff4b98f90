import { hashTag } from '../../src/base/hash-tag.ts'
import type { Hash } from '../../src/base/hash.ts'
import { memoryNode, ShardedCache } from '../../src/index.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { round } from './measure.ts'
import type { Progress } from '../kit/progress.ts'
import { makeKeys, makeNodes } from './workload.ts'
import { seededRandom, zipf } from './zipf.ts'

/** How the traffic of a replay looks. */
export interface TrafficPlan {
  readonly keys: number
  readonly exponent: number
  readonly seed: number
  readonly requests: number
  /** Requests per point of the plot. */
  readonly window: number
  /** The number of requests before the eleventh node joins; a multiple of `window`. */
  readonly changeAt: number
  readonly nodes: number
}

/** What one placement made of the traffic. */
export interface TrafficResult {
  readonly placement: 'modulo' | 'ring'
  /** Calls of the database in each window. The hit rate of a window is what is left of it. */
  readonly databaseCalls: readonly number[]
  readonly hitRateBefore: number
  readonly hitRateLowest: number
  readonly hitRateLast: number
  /** Since every key was cached before, each call after the change is one that the change caused. */
  readonly callsAfterChange: number
  /** Requests from the change until the hit rate was at this many percent to stay; 0: never below; null: not in this run. */
  readonly recovery: readonly { readonly hitRate: number; readonly requests: number | null }[]
}

const RECOVERY_RATES = [90, 95, 98]

/** Replays the same requests over a cache that grows by one node: once on modulo, once on the ring. */
export async function measureTraffic(plan: TrafficPlan, hash: Hash, progress: Progress): Promise<TrafficResult[]> {
  const results: TrafficResult[] = []
  for (const [placement, build] of [
    ['modulo', moduloSystem],
    ['ring', ringSystem],
  ] as const) {
    const databaseCalls = await replay(await build(plan, hash), plan, () => progress.step(`traffic on ${placement}`))
    results.push(summarise(placement, databaseCalls, plan))
  }
  return results
}

/** How many steps {@link measureTraffic} reports. */
export function trafficSteps(plan: TrafficPlan): number {
  return 2 * (plan.requests / plan.window)
}

/** A cache under traffic, whatever places its keys. */
interface System {
  setMany(entries: readonly [string, Row][]): Promise<unknown>
  getOrLoad(key: string, load: () => Promise<Row>): Promise<Row | undefined>
  /** The eleventh node joins. */
  grow(): Promise<unknown>
  close(): Promise<unknown>
}

interface Row {
  readonly id: string
}

async function ringSystem(plan: TrafficPlan): Promise<System> {
  const specs = memoryNodes(plan)
  const cache = await ShardedCache.create({ nodes: specs.slice(0, plan.nodes), ttl: '1d' })
  return {
    setMany: (entries) => cache.setMany(entries),
    getOrLoad: (key, load) => cache.getOrLoad(key, load),
    grow: () => cache.addNode(specs[plan.nodes] as NodeSpec),
    close: () => cache.close(),
  }
}

/** The library has no modulo placement, so this puts one in front: a cache of one node each, picked by hash modulo count. */
async function moduloSystem(plan: TrafficPlan, hash: Hash): Promise<System> {
  const create = (spec: NodeSpec): Promise<ShardedCache> => ShardedCache.create({ nodes: [spec], ttl: '1d' })
  const specs = memoryNodes(plan)
  const caches = await Promise.all(specs.slice(0, plan.nodes).map(create))
  const owner = (key: string): ShardedCache => caches[hash.text(hashTag(key)) % caches.length] as ShardedCache
  return {
    setMany: (entries) =>
      Promise.all(caches.map((cache) => cache.setMany(entries.filter(([key]) => owner(key) === cache)))),
    getOrLoad: (key, load) => owner(key).getOrLoad(key, load),
    grow: async () => caches.push(await create(specs[plan.nodes] as NodeSpec)),
    close: () => Promise.all(caches.map((cache) => cache.close())),
  }
}

// Room for every key on every node: nothing is ever evicted, so each miss comes from the change.
function memoryNodes(plan: TrafficPlan): NodeSpec[] {
  return makeNodes(plan.nodes + 1).map(({ id }) => memoryNode(id, { max: plan.keys, maxBytes: plan.keys * 1024 }))
}

/**
 * Writes every key once, then sends one request after the other, each awaited: the same order, and so the same figures,
 * every time.
 *
 * @returns the database calls of each window
 */
async function replay(system: System, plan: TrafficPlan, step: () => void): Promise<number[]> {
  const keys = makeKeys(plan.keys)
  await system.setMany(keys.map((key) => [key, { id: key }]))

  let calls = 0
  const request = (key: string): Promise<Row | undefined> =>
    system.getOrLoad(key, () => {
      calls++
      return Promise.resolve({ id: key })
    })
  const draw = zipf(plan.keys, plan.exponent, seededRandom(plan.seed))
  const windows: number[] = []
  for (let done = 0; done < plan.requests; done += plan.window) {
    if (done === plan.changeAt) await system.grow()
    step()
    calls = 0
    for (let i = 0; i < plan.window; i++) await request(keys[draw()] as string)
    windows.push(calls)
  }
  await system.close()
  return windows
}

/** Reads the figures of a replay off its windows. */
export function summarise(
  placement: TrafficResult['placement'],
  databaseCalls: readonly number[],
  plan: TrafficPlan,
): TrafficResult {
  const changed = plan.changeAt / plan.window
  const rates = databaseCalls.map((calls) => hitRate(calls, plan.window))
  const before = databaseCalls.slice(0, changed)
  const after = rates.slice(changed)
  return {
    placement,
    databaseCalls,
    hitRateBefore: hitRate(sum(before), plan.changeAt),
    hitRateLowest: Math.min(...after),
    hitRateLast: rates.at(-1) as number,
    callsAfterChange: sum(databaseCalls.slice(changed)),
    recovery: RECOVERY_RATES.map((wanted) => {
      const windows = after.findLastIndex((rate) => rate < wanted) + 1
      return { hitRate: wanted, requests: windows === after.length ? null : windows * plan.window }
    }),
  }
}

/** In percent of the requests. */
export function hitRate(calls: number, requests: number): number {
  return round((1 - calls / requests) * 100, 2)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
