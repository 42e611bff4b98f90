import { onTestFinished } from 'vitest'
import { ShardedCache } from '../../src/cache.ts'
import type { CacheEvents, EventType } from '../../src/base/events.ts'
import type { CacheOptions } from '../../src/options.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { FakeServer } from './fake-node.ts'

/** Makes a cache that is closed when the test ends; its clock, when it is a manual one, is moved on for that. */
export async function makeCache(options: CacheOptions): Promise<ShardedCache> {
  const cache = await ShardedCache.create(options)
  onTestFinished(async () => {
    const closing = cache.close()
    if (options.clock instanceof ManualClock) await options.clock.advanceAsync(60_000)
    await closing
  })
  return cache
}

/** A cache on one fake server, with a clock that stands still. */
export interface Bench {
  readonly cache: ShardedCache
  readonly server: FakeServer
  readonly clock: ManualClock
}

export async function bench(options: Partial<CacheOptions> = {}): Promise<Bench> {
  const clock = new ManualClock()
  const server = new FakeServer()
  const cache = await makeCache({ nodes: [server.node()], clock, ...options })
  return { cache, server, clock }
}

/** Collects the events of one type. */
export function collect<T extends EventType>(cache: ShardedCache, type: T): CacheEvents[T][] {
  const events: CacheEvents[T][] = []
  cache.on(type, (event) => events.push(event))
  return events
}

/** Lets everything that is ready go on. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Whether a promise has settled. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  await turn()
  return (await Promise.race([promise.catch(() => {}), Promise.resolve(pending)])) !== pending
}

/** What a promise was rejected with; fails when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`it was not rejected, but gave ${JSON.stringify(value)}`)
}
