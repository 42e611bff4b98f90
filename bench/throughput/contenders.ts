import { iovalkey } from '../competitors/iovalkey.ts'
import { newestMemcache } from '../competitors/memcache.ts'
import { memcached } from '../competitors/memcached.ts'
import { nodeRedis } from '../competitors/node-redis.ts'
import {
  corkedPerTurn,
  corkedPerTurnChecked,
  mgetPerNode,
  mgetPerTurn,
  mgetPerTurnChecked,
  overIoredis5,
} from './by-hand.ts'
import type { Case } from './cases.ts'
import type { ThroughputContender } from './client.ts'
import { ioredis5, ioredis5Pipelined, ioredis6, ioredis6Cluster, ioredis6Pipelined } from './ioredis.ts'
import { memcache, memjs } from './memcached.ts'
import { loading, ours, oursOverFive } from './ours.ts'

export const CONTENDERS: readonly ThroughputContender[] = [
  ours,
  oursOverFive,
  loading,
  ioredis5,
  ioredis5Pipelined,
  ioredis6,
  ioredis6Pipelined,
  mgetPerTurn,
  mgetPerTurnChecked,
  corkedPerTurn,
  corkedPerTurnChecked,
  mgetPerNode,
  ...overIoredis5,
  ioredis6Cluster,
  nodeRedis,
  iovalkey,
  memjs,
  memcache,
  newestMemcache,
  memcached,
]

/** What the others are compared with. */
export const BASELINE: Readonly<Record<Case['kind'], string>> = { redis: 'ioredis 5', memcached: 'memjs' }

/** Those that take part in a case. */
export function contendersOf(one: Case): ThroughputContender[] {
  return CONTENDERS.filter(({ kind, takes }) => (kind === 'both' || kind === one.kind) && (takes?.(one) ?? true))
}
