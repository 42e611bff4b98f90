import type { NodeError } from '../base/errors.ts'
import type { ReadOutcome, RemoveOutcome, WriteItem, WriteOutcome } from '../node/contract.ts'
import type { ReadPolicy } from '../shard/read-policy.ts'
import type { Shard } from '../shard/shard.ts'
import type { Topology } from './topology.ts'

/** A key on its way to a node. */
export interface RoutedKey {
  /** The key whose hash tag decides where it lives. */
  readonly key: string
  /** The name under which it is stored there. */
  readonly stored: string
}

/** An outcome and the id of the node it came from. */
export interface Routed<T> {
  readonly outcome: T | NodeError
  readonly node: string
}

/** Takes keys to their owners: groups them by shard, asks all shards at once, and puts the outcomes back in order. */
export class Router {
  readonly #current: () => Topology

  /** @param current gives the topology of the moment; each operation takes it once */
  constructor(current: () => Topology) {
    this.#current = current
  }

  read(keys: readonly RoutedKey[], policy: ReadPolicy, ms: number): Promise<Routed<ReadOutcome>[]> {
    return this.#dispatch(keys, (shard, group) =>
      shard.read(
        group.map(({ stored }) => stored),
        policy,
        ms,
      ),
    )
  }

  write(items: readonly (RoutedKey & Omit<WriteItem, 'key'>)[], ms: number): Promise<Routed<WriteOutcome>[]> {
    return this.#dispatch(items, (shard, group) =>
      shard.write(
        group.map(({ stored, value, ttl }) => ({ key: stored, value, ttl })),
        ms,
      ),
    )
  }

  remove(keys: readonly RoutedKey[], ms: number): Promise<Routed<RemoveOutcome>[]> {
    return this.#dispatch(keys, (shard, group) =>
      shard.remove(
        group.map(({ stored }) => stored),
        ms,
      ),
    )
  }

  /** The largest value, in bytes, that the owner of a key can hold. */
  maxValueBytes(key: string): number {
    const topology = this.#current()
    return ownerOf(topology, key).primary.adapter.limits.maxValueBytes
  }

  async #dispatch<K extends RoutedKey, T>(
    keys: readonly K[],
    ask: (shard: Shard, group: readonly K[]) => Promise<(T | NodeError)[]>,
  ): Promise<Routed<T>[]> {
    const topology = this.#current()
    if (keys.length === 1) {
      const shard = ownerOf(topology, (keys[0] as K).key)
      const [outcome] = await ask(shard, keys)
      return [{ outcome: outcome as T, node: shard.id }]
    }
    const groups = new Map<Shard, number[]>()
    for (const [at, { key }] of keys.entries()) {
      const shard = ownerOf(topology, key)
      const group = groups.get(shard)
      if (group) group.push(at)
      else groups.set(shard, [at])
    }
    const routed: Routed<T>[] = []
    routed.length = keys.length
    await Promise.all(
      Array.from(groups, async ([shard, group]) => {
        const outcomes = await ask(
          shard,
          group.map((at) => keys[at] as K),
        )
        for (const [i, at] of group.entries()) routed[at] = { outcome: outcomes[i] as T, node: shard.id }
      }),
    )
    return routed
  }
}

function ownerOf({ ring, shards }: Topology, key: string): Shard {
  return shards[ring.ownerAt(ring.position(key))] as Shard
}
