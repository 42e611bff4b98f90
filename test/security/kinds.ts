import { afterAll, beforeAll } from 'vitest'
import { memcachedNode } from '../../src/memcached/index.ts'
import { memoryNode } from '../../src/node/memory.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import { MAJORS } from '../redis/majors.ts'
import { startMemcached, startRedis, type TestServer } from '../support/servers.ts'

/** A Redis and a memcached for the tests of one file. */
export interface Kinds {
  /** Set while the tests run. */
  redis: TestServer
  memcached: TestServer
  /** A node of each kind, by its name. */
  readonly nodes: readonly (readonly [string, () => NodeSpec])[]
}

/** Starts the servers before the tests of a file, and stops them after. */
export function everyKind(): Kinds {
  const major = MAJORS[1] as (typeof MAJORS)[1]
  const kinds: Kinds = {
    redis: undefined as unknown as TestServer,
    memcached: undefined as unknown as TestServer,
    nodes: [
      ['the memory node', () => memoryNode('m')],
      ['Redis', () => makeRedisNode(major.Redis, kinds.redis.url, {})],
      ['memcached', () => memcachedNode(kinds.memcached.url)],
    ],
  }
  beforeAll(async () => {
    kinds.redis = await startRedis()
    kinds.memcached = await startMemcached()
  })
  afterAll(async () => {
    await kinds.redis?.stop()
    await kinds.memcached?.stop()
  })
  return kinds
}
