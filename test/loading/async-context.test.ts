import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { memoryNode, type ShardedCache } from '../../src/index.ts'
import { makeCache } from '../support/caches.ts'

const storage = new AsyncLocalStorage<string>()
const REQUESTS = ['a', 'b', 'c']

/** What the loader of each request finds to be its context, and what the request itself finds afterwards. */
async function contexts(ask: (cache: ShardedCache, name: string, load: () => string) => Promise<unknown>) {
  const cache = await makeCache({ nodes: [memoryNode('one')], ttl: 60_000 })
  const loaders: Record<string, string | undefined> = {}
  const callers: Record<string, string | undefined> = {}
  const request = async (name: string): Promise<void> => {
    await ask(cache, name, () => (loaders[name] = storage.getStore() ?? 'none'))
    callers[name] = storage.getStore()
  }
  await Promise.all(REQUESTS.map((name) => storage.run(name, request, name)))
  return { loaders, callers }
}

const own = Object.fromEntries(REQUESTS.map((name) => [name, name]))

describe('the async context of a call', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('is the one in which its loader runs, whoever it shares commands with', async () => {
    const found = await contexts((cache, name, load) => cache.getOrLoad(name, load))
    expect(found).toEqual({ loaders: own, callers: own })
  })

  it('is that of a loader of many keys, too', async () => {
    const found = await contexts((cache, name, load) =>
      cache.getOrLoadMany([`${name}:1`, `${name}:2`], (missing) => {
        load()
        return new Map(missing.map((key) => [key, key]))
      }),
    )
    expect(found).toEqual({ loaders: own, callers: own })
  })

  it('is that of a function that is wrapped', async () => {
    const found = await contexts((cache, name, load) => cache.wrap(load, { key: () => name })())
    expect(found).toEqual({ loaders: own, callers: own })
  })

  it('is that of a load in the background', async () => {
    const found = await contexts(async (cache, name, load) => {
      await cache.getOrLoad(name, () => 'old', { ttl: 1, staleWhileRevalidate: 60_000 })
      await vi.waitUntil(async () => {
        await cache.getOrLoad(name, load, { ttl: 60_000, staleWhileRevalidate: 60_000 })
        return (await cache.get(name)) === name
      })
    })
    expect(found).toEqual({ loaders: own, callers: own })
  })

  it('control: without that, loaders run in the context of another call, or in none', async () => {
    vi.spyOn(AsyncResource.prototype, 'runInAsyncScope').mockImplementation((run, _, ...args) => run(...args) as never)
    const { loaders } = await contexts((cache, name, load) => cache.getOrLoad(name, load))
    expect(loaders).not.toEqual(own)
  })
})
