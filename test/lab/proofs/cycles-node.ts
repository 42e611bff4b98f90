import { memcachedNode } from '../../../src/memcached/index.ts'
import type { NodeSpec } from '../../../src/node/spec.ts'
import { redisNode } from '../../../src/redis/index.ts'
import { naiveNode } from '../chaos/naive.ts'

/** The servers of one lane: one node, and maybe a replica of it. */
export interface LaneUrls {
  readonly primary: string
  readonly replica?: string
}

/** Milliseconds. */
export const NODE_TIMEOUT = 150

/** @param naive with the protections switched off */
export function laneNode(lane: number, { primary, replica }: LaneUrls, naive: boolean): NodeSpec {
  const options = { id: `lane-${lane}` }
  const node = primary.startsWith('redis:')
    ? redisNode(primary, { ...options, replicas: replica === undefined ? [] : [replica] })
    : memcachedNode(primary, options)
  return naive ? naiveNode(node) : node
}
