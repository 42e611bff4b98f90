import type { ReadOutcome, WriteItem, WriteOutcome } from '../node/contract.ts'
import type { ReadPolicy } from '../shard/read-policy.ts'
import type { Answer } from '../shard/reading.ts'
import type { Removal, Shard } from '../shard/shard.ts'
import type { Detour, Ejector } from './ejector.ts'
import { movedSince } from './history.ts'
import type { Topology } from './topology.ts'
import { MAX_CLOCK_SKEW } from '../base/stamps.ts'

/** A key on its way to a node. */
export interface RoutedKey {
  /** The key whose hash tag decides where it lives. */
  readonly key: string
  /** The name under which it is stored there. */
  readonly stored: string
}

/** What a read of one key came to. */
export interface Routed {
  readonly outcome: ReadOutcome
  /** The id of the node that was asked. */
  readonly node: string
  /** What was asked where, for {@link Router.confirm} and {@link Router.isVoid}. */
  readonly answer: Answer
  readonly shard: Shard
  readonly topology: Topology
  readonly detour: Detour | undefined
}

/** How long an entry lives at most on a node that stands in for its owner, in milliseconds. */
const DETOUR_TTL = 60_000

/** A group of keys that go to one shard, and their places among all keys. */
interface Group<K> {
  readonly shard: Shard
  readonly keys: K[]
  readonly at: number[]
  /** The owner of its keys, and the way round it, when they do not go to it. */
  readonly owner: Shard
  readonly detour: Detour | undefined
}

/** Takes keys to their owners: groups them by shard, asks all shards at once, and puts the outcomes back in order. */
export class Router {
  readonly #current: () => Topology
  readonly #ejector: Ejector | undefined

  /**
   * @param current gives the topology of the moment; each operation takes it once
   * @param ejector finds the way round nodes that cannot be asked; without it, their keys are misses
   */
  constructor(current: () => Topology, ejector?: Ejector) {
    this.#current = current
    this.#ejector = ejector
  }

  /** Reads keys; one result each, in order. */
  async read(keys: readonly RoutedKey[], policy: ReadPolicy, ms: number): Promise<Routed[]> {
    const topology = this.#current()
    return this.#dispatch(topology, keys, async ({ shard, keys: some, detour }) => {
      const answers = await shard.read(storedNames(some), policy, ms)
      return answers.map((answer) => ({
        outcome: answer.outcome,
        node: shard.id,
        answer,
        shard,
        topology,
        detour,
      }))
    })
  }

  /**
   * Writes entries; one outcome each, in order.
   *
   * @param replaces whether an older value must not stay readable when the write fails
   */
  write(
    items: readonly (RoutedKey & Omit<WriteItem, 'key'>)[],
    ms: number,
    replaces: boolean,
  ): Promise<WriteOutcome[]> {
    return this.#dispatch(this.#current(), items, async ({ shard, keys: some, owner, detour }) => {
      const writing = shard.write(
        some.map(({ stored, value, ttl }) => ({ key: stored, value, ttl: detour ? Math.min(ttl, DETOUR_TTL) : ttl })),
        ms,
        replaces,
      )
      // What the owner has of them must not come back with it.
      if (detour) await owner.remove(storedNames(some), ms)
      return writing
    })
  }

  /** Removes keys; one outcome each, in order. */
  remove(keys: readonly RoutedKey[], ms: number): Promise<Removal[]> {
    return this.#dispatch(this.#current(), keys, async ({ shard, keys: some, owner, detour }) => {
      const names = storedNames(some)
      if (!detour) return shard.remove(names, ms)
      const [here, there] = await Promise.all([shard.remove(names, ms), owner.remove(names, ms)])
      return here.map((removal, i) => worseOf(removal, there[i] as Removal))
    })
  }

  /**
   * Whether an entry that was read is void: written before its server restarted, before its node gained the key, or before
   * its node stood in for the owner.
   *
   * @param writtenAt wall clock; `undefined` when the writer's clock cannot be believed
   * @param own whether this cache wrote it, by the clock by which it raises fences; others' clocks may differ
   */
  isVoid(
    { answer, shard, topology, detour }: Routed,
    key: string,
    writtenAt: number | undefined,
    own: boolean,
  ): boolean {
    const fence = Math.max(
      shard.ledger.fence,
      answer.guard?.acquaintance.fence ?? 0,
      // A replica holds what its primary holds, also what that brought back from its disk.
      shard.primary.acquaintance.fence,
      detour?.since ?? 0,
    )
    const { history, ring } = topology
    if (fence === 0 && history.past.length === 0) return false
    if (writtenAt === undefined) return true
    const surely = own ? writtenAt : writtenAt - MAX_CLOCK_SKEW
    // Where a node stands in for the owner, the entry's age has been judged.
    return surely <= fence || (detour === undefined && movedSince(history, ring, key, surely))
  }

  /** The largest value, in bytes, that the node a key goes to can hold. */
  maxValueBytes(key: string): number {
    const topology = this.#current()
    const owner = ownerOf(topology, key)
    const { shard } = this.#ejector?.detour(topology, owner, key) ?? { shard: owner }
    return shard.primary.adapter.limits.maxValueBytes
  }

  async #dispatch<K extends RoutedKey, T>(
    topology: Topology,
    keys: readonly K[],
    ask: (group: Group<K>) => Promise<T[]>,
  ): Promise<T[]> {
    const groups = new Map<Shard, Group<K>[]>()
    for (const [at, key] of keys.entries()) {
      const owner = ownerOf(topology, key.key)
      const detour = this.#ejector?.detour(topology, owner, key.key)
      const shard = detour?.shard ?? owner
      const ofOwner = groups.get(owner) ?? []
      if (ofOwner.length === 0) groups.set(owner, ofOwner)
      const group = ofOwner.find((one) => one.shard === shard)
      if (group) {
        group.keys.push(key)
        group.at.push(at)
      } else ofOwner.push({ shard, keys: [key], at: [at], owner, detour })
    }
    const all = [...groups.values()].flat()
    if (all.length === 1) return ask(all[0] as Group<K>)
    const results: T[] = []
    results.length = keys.length
    await Promise.all(
      all.map(async (group) => {
        const some = await ask(group)
        for (const [i, at] of group.at.entries()) results[at] = some[i] as T
      }),
    )
    return results
  }
}

function ownerOf({ ring, shards }: Topology, key: string): Shard {
  return shards[ring.ownerAt(ring.position(key))] as Shard
}

function storedNames(keys: readonly RoutedKey[]): string[] {
  return keys.map(({ stored }) => stored)
}

const ORDER: readonly Removal['status'][] = ['failed', 'journaled', 'deleted', 'absent']

/** Of what two nodes came to with one key: any failed, else any journaled, else any deleted, else absent. */
function worseOf(a: Removal, b: Removal): Removal {
  return ORDER.indexOf(a.status) <= ORDER.indexOf(b.status) ? a : b
}
