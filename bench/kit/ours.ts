import { memoryNode, ShardedCache, type NodeSpec } from 'sharded-cache'
import { redisNode } from 'sharded-cache/redis'
import { L1, TTL, type LoadingContender } from './loading-cache.ts'

/** This library, with its tier in the process, over memory or one Redis; nothing is switched off. */
export const ours: LoadingContender = {
  name: 'sharded-cache',
  of: 'sharded-cache',
  open: (redis) =>
    open([redis ? redisNode(`redis://${redis.host}:${redis.port}`, { id: 'a' }) : memoryNode('a')], true),
}

/** The same without the tier in the process. */
export const oursWithoutL1: LoadingContender = {
  name: 'sharded-cache, no L1',
  of: 'sharded-cache',
  open: (redis) =>
    open([redis ? redisNode(`redis://${redis.host}:${redis.port}`, { id: 'a' }) : memoryNode('a')], false),
}

async function open(nodes: NodeSpec[], l1: boolean): Promise<Awaited<ReturnType<LoadingContender['open']>>> {
  const cache = await ShardedCache.create({ nodes, ttl: TTL, ...(l1 ? { l1: L1 } : {}) })
  return {
    getOrLoad: (key, load) => cache.getOrLoad(key, load),
    get: (key) => cache.get(key),
    peek: (key) => cache.peek(key),
    close: () => cache.close(),
  }
}
