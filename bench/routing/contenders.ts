import HashRing from 'hashring'
import { createNode, Memcache } from 'memcache'
import type { Hash, Ring } from 'sharded-cache'
import xxhash from 'xxhash-wasm'
import type { Contender } from '../kit/contender.ts'
import { versionOf } from '../kit/machine.ts'

/** One way from a key to a node. What it gives is only looked at so that it is not optimised away. */
export interface RoutingContender extends Contender {
  /** @param ring this library's, of the same nodes */
  prepare(ids: readonly string[], ring: Ring, hash: Hash): (key: string) => unknown
}

export const FLOOR = 'every character read once'
export const OURS = 'sharded-cache, locate'

const { h32 } = await xxhash()

export const CONTENDERS: readonly RoutingContender[] = [
  {
    name: FLOOR,
    of: 'sharded-cache',
    prepare: () => (key) => {
      let sum = 0
      for (let i = 0; i < key.length; i++) sum = (sum + codeAt(key, i)) | 0
      return sum
    },
  },
  { name: OURS, of: 'sharded-cache', prepare: (_, ring) => (key) => ring.locate(key) },
  {
    name: 'xxhash-wasm, binary search',
    of: 'xxhash-wasm',
    prepare:
      (_, { points, owners, ids }) =>
      (key) => {
        const position = h32(key)
        let low = 0
        let high = points.length
        while (low < high) {
          const middle = (low + high) >>> 1
          if ((points[middle] as number) < position) low = middle + 1
          else high = middle
        }
        return ids[owners[low === points.length ? 0 : low] as number]
      },
  },
  {
    name: `memcache ${versionOf('memcache')}`,
    of: 'memcache',
    prepare: (ids) => {
      const { hash } = new Memcache({ nodes: ids.map((id) => createNode(id, 11211)) })
      return (key) => hash.getNodesByKey(key)[0]?.id
    },
  },
  {
    name: `hashring ${versionOf('hashring')}`,
    of: 'hashring',
    prepare: (ids) => {
      const ring = new HashRing([...ids], 'md5')
      return (key) => ring.get(key)
    },
  },
]

// A class that extends String, anywhere in the process, makes `text.charCodeAt` slow; the floor is to be one all the same.
const codeAt = Function.prototype.call.bind(String.prototype.charCodeAt) as (text: string, at: number) => number
