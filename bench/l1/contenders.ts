import { LRUCache } from 'lru-cache'
import { bentocache } from '../competitors/bentocache.ts'
import { cacheManager } from '../competitors/cache-manager.ts'
import { cacheable } from '../competitors/cacheable.ts'
import { layeredLoader } from '../competitors/layered-loader.ts'
import { L1, type LoadingContender } from '../kit/loading-cache.ts'
import { ours } from '../kit/ours.ts'

/** How the tier in the process is asked. */
export type Operation = 'getOrLoad' | 'get' | 'peek'

/** One comparison: who does the same thing. */
export interface Row {
  readonly title: string
  readonly operation: Operation
  readonly contenders: readonly LoadingContender[]
}

export const OURS = 'sharded-cache'

/** What ours is made of, without all that is around it. It has no `get` that waits: the same answer at once is its floor. */
const lruCache = (name: string): LoadingContender => ({
  name,
  of: 'lru-cache',
  open: () => {
    // Its loader belongs to the cache, as that of layered-loader does.
    let loading: () => Promise<unknown> = () => Promise.resolve(undefined)
    const cache = new LRUCache<string, object>({
      max: L1.max,
      ttl: L1.ttl,
      fetchMethod: () => loading() as Promise<object>,
    })
    return {
      getOrLoad: (key, load) => {
        loading = load
        return cache.fetch(key)
      },
      peek: (key) => cache.get(key),
      close: () => cache.clear(),
    }
  },
})
const fetching = lruCache('lru-cache, fetch')
const getting = lruCache('lru-cache, get')

const newer = (one: LoadingContender): LoadingContender => ({ ...one, newer: true })

export const ROWS: readonly Row[] = [
  {
    title: 'getOrLoad, hit',
    operation: 'getOrLoad',
    contenders: [ours, fetching, cacheManager, cacheable, bentocache],
  },
  {
    title: 'getOrLoad, hit, on the newer Node',
    operation: 'getOrLoad',
    contenders: [ours, fetching, layeredLoader].map(newer),
  },
  { title: 'get, hit', operation: 'get', contenders: [ours, cacheManager, cacheable, bentocache] },
  { title: 'peek', operation: 'peek', contenders: [ours, getting] },
]
