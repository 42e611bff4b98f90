import { createHash } from 'node:crypto'
import HashRing from 'hashring'
import { createNode, Memcache } from 'memcache'
import { hashTag } from '../../src/base/hash-tag.ts'
import type { Hash } from '../../src/base/hash.ts'
import type { WeightedId } from '../../src/placement/placement.ts'
import { ring } from '../../src/placement/ring.ts'
import { versionOf } from '../kit/machine.ts'

/** Routes all prepared keys: for each, the index of its node in the list given. */
export type Router = (nodes: readonly WeightedId[]) => Uint16Array

/** One way to place keys on nodes. */
export interface Contender {
  readonly id: string
  readonly label: string
  /** What it does, in a few words. */
  readonly how: string
  /** Does once what does not depend on the nodes, such as hashing the keys. */
  prepare(keys: readonly string[]): Router
}

/** What the benchmark compares: modulo, this library's ring at its default and at the classic 150 points, and two others. */
export function contenders(hash: Hash): Contender[] {
  return [modulo(hash), ours(hash, 1024), ours(hash, 150), hashring(), memcache()]
}

/** The hash of the key modulo the number of nodes. It knows no weights: a node of weight 2 is listed twice. */
export function modulo(hash: Hash): Contender {
  return {
    id: 'modulo',
    label: 'modulo',
    how: 'XXH32 of the key modulo the number of nodes; a node of weight 2 is listed twice',
    prepare: (keys) => {
      const positions = positionsOf(keys, hash)
      return (nodes) => {
        const slots = nodes.flatMap((node, index) => Array<number>(node.weight ?? 1).fill(index))
        return route(keys.length, (index) => slots[(positions[index] as number) % slots.length] as number)
      }
    },
  }
}

/** The ring of this library. */
export function ours(hash: Hash, points: number): Contender {
  const shown = points.toLocaleString('en-US')
  return {
    id: `ring-${points}`,
    label: `ring, ${shown} points`,
    how: `sharded-cache: XXH32, ${shown} points per weight unit${points === 1024 ? ' (the default)' : ''}`,
    prepare: (keys) => {
      const positions = positionsOf(keys, hash)
      return (nodes) => {
        const placement = ring(nodes, { hash, points })
        const indexes = placement.ids.map((id) => nodes.findIndex((node) => node.id === id))
        return route(keys.length, (index) => indexes[placement.ownerAt(positions[index] as number)] as number)
      }
    },
  }
}

function positionsOf(keys: readonly string[], hash: Hash): Uint32Array {
  const positions = new Uint32Array(keys.length)
  for (let i = 0; i < keys.length; i++) positions[i] = hash.text(hashTag(keys[i] as string))
  return positions
}

// A loop, because Uint16Array.from with a function takes several times as long for a million keys.
function route(length: number, ownerOf: (index: number) => number): Uint16Array {
  const owners = new Uint16Array(length)
  for (let i = 0; i < length; i++) owners[i] = ownerOf(i)
  return owners
}

/** The `hashring` package as it comes: ketama, MD5, 160 points. */
export function hashring(): Contender {
  return {
    id: 'hashring',
    label: `hashring ${versionOf('hashring')}`,
    how: 'npm package, defaults: ketama, MD5, 160 points per node',
    prepare: (keys) => {
      // The package takes a hash function. This one is its default, MD5, but remembers the digests of the keys, which
      // twelve rings would otherwise compute again. A test compares it with the package's own.
      const digests = new Uint8Array(keys.length * 4)
      for (const [index, key] of keys.entries()) digests.set(md5(key).subarray(0, 4), index * 4)
      return (nodes) => {
        let at = -1
        const digest = (text: string): Buffer => (at < 0 ? md5(text) : (digests.subarray(at * 4, at * 4 + 4) as Buffer))
        const servers = Object.fromEntries(nodes.map((node) => [node.id, { weight: node.weight ?? 1 }]))
        const placed = new HashRing(servers, digest, { 'max cache size': 1 })
        const indexes = indexesById(nodes)
        return route(keys.length, (index) => {
          at = index
          return indexes.get(placed.get(keys[index] as string)) as number
        })
      }
    },
  }
}

function md5(text: string): Buffer {
  return createHash('md5').update(text).digest()
}

/** The ring of the `memcache` package as it comes: `KetamaHash`, FNV-1a, 50 points. No connection is opened. */
export function memcache(): Contender {
  return {
    id: 'memcache',
    label: `memcache ${versionOf('memcache')}`,
    how: 'npm package, defaults: KetamaHash, FNV-1a, 50 points per node',
    prepare: (keys) => (nodes) => {
      const servers = nodes.map(({ id, weight = 1 }) => {
        const colon = id.lastIndexOf(':')
        return createNode(id.slice(0, colon), Number(id.slice(colon + 1)), { weight })
      })
      const { hash } = new Memcache({ nodes: servers })
      const indexes = indexesById(nodes)
      const ownerOf = (key: string): string => hash.getNodesByKey(key)[0]?.id ?? ''
      return route(keys.length, (index) => indexes.get(ownerOf(keys[index] as string)) as number)
    },
  }
}

function indexesById(nodes: readonly WeightedId[]): Map<string, number> {
  return new Map(nodes.map((node, index) => [node.id, index]))
}
