import type { ExpireRequest, FillRequest, LeaseOutcome, LeaseRequest } from '../node/atomic.ts'
import type { WriteItem } from '../node/contract.ts'
import type { Answers } from '../shard/answers.ts'
import type { ReadPolicy } from '../shard/read-policy.ts'
import type { Reader } from '../shard/gathered-reads.ts'
import type { Removal, Stored } from '../shard/outcomes.ts'
import type { Shard } from '../shard/shard.ts'
import { LeasedItem, OneItem, type Writer } from '../shard/gathered-writes.ts'
import type { Ejector } from './ejector.ts'
import { movedSince } from './history.ts'
import {
  RoutedRead,
  type PlacedKey,
  type Route,
  type Routed,
  type RoutedKey,
  type RoutedLease,
  type RoutedWrite,
} from './routed.ts'
import type { Topology } from './topology.ts'
import { isWrittenBy } from '../entry/form.ts'
import { Slice } from '../base/slice.ts'
import { MAX_CLOCK_SKEW } from '../base/stamps.ts'

/** How long an entry lives at most on a node that stands in for its owner, in milliseconds. */
const DETOUR_TTL = 60_000

/** Keys that go the same way, and their places among all keys. */
interface Group<K> {
  readonly route: Route
  readonly keys: K[]
  readonly at: number[]
}

/** Takes keys to their owners: groups them by shard, asks all shards at once, and puts the outcomes back in order. */
export class Router {
  readonly #current: () => Topology
  readonly #ejector: Ejector | undefined
  /** The routes of `#routed` that lead to the owner, by its index: nearly all do. */
  #direct: readonly Route[] = []
  #routed: Topology | undefined

  /**
   * @param current gives the topology of the moment; each operation takes it once
   * @param ejector finds the way round nodes that cannot be asked; without it, their keys are misses
   */
  constructor(current: () => Topology, ejector?: Ejector) {
    this.#current = current
    this.#ejector = ejector
  }

  /** Reads one key, together with others that are read in the same turn of the event loop; see `Gather`. */
  join(key: RoutedKey, policy: ReadPolicy, ms: number, reader: Reader, now: number): Route {
    // Of a key with a hash tag it is not known yet: keys with the same one lie in the same place.
    const mark = key.position
    const route = this.#route(this.#current(), key)
    route.shard.gather.read(key.stored, policy, ms, reader, now, mark)
    return route
  }

  /**
   * Reads keys; one result each, in order.
   *
   * @param take makes the results for the keys of one shard, at these places, of what that shard gave: as soon as it came,
   *   while others are still waited for
   */
  read<K extends RoutedKey, T>(
    keys: readonly K[],
    policy: ReadPolicy,
    ms: number,
    take: (keys: readonly K[], routed: readonly Routed[], at: readonly number[]) => T[] | Promise<T[]>,
  ): Promise<T[]> {
    return this.#dispatch(this.#current(), keys, async ({ route, keys: some, at }) => {
      const answers = await route.shard.read(storedNames(some), policy, ms)
      return take(some, routedReads(answers, route), at)
    })
  }

  /**
   * Writes one entry, as {@link Router.write} does, together with others that are written in the same turn; see `Gather`.
   *
   * @param token of the lease under which it is written, if it is
   */
  joinWrite(
    key: RoutedKey,
    value: Uint8Array,
    ttl: number,
    token: Uint8Array | undefined,
    ms: number,
    replaces: boolean,
    writer: Writer<Stored>,
  ): void {
    const { shard, detour } = this.#route(this.#current(), key)
    const { stored } = key
    if (detour) {
      this.write([{ key: key.key, position: key.position, stored, value, ttl, token }], ms, replaces).then(
        ([outcome]) => writer.written(outcome as Stored),
        (error: unknown) => writer.failed(error),
      )
    } else if (token) shard.gather.fill(new LeasedItem(stored, value, ttl, token), ms, replaces, writer)
    else shard.gather.write(new OneItem(stored, value, ttl), ms, replaces, writer)
  }

  /** Takes one lease, together with others that are taken in the same turn; see `Gather`. */
  joinLease(key: PlacedKey, request: LeaseRequest, ms: number, taker: Writer<LeaseOutcome>): Route {
    const route = this.#route(this.#current(), key)
    route.shard.gather.lease(request, ms, taker)
    return route
  }

  /**
   * Writes entries, those with a token under the lease that it proves; one outcome each, in order.
   *
   * @param replaces whether an older value must not stay readable when the write fails
   */
  write(items: readonly RoutedWrite[], ms: number, replaces: boolean): Promise<Stored[]> {
    return this.#dispatch(this.#current(), items, async ({ route: { shard, owner, detour }, keys: some }) => {
      const plain: WriteItem[] = []
      const leased: FillRequest[] = []
      for (const { stored, value, ttl: wanted, token } of some) {
        const ttl = detour ? Math.min(wanted, DETOUR_TTL) : wanted
        if (token) leased.push({ key: stored, value, ttl, token })
        else plain.push({ key: stored, value, ttl })
      }
      const [written, filled] = await Promise.all([
        plain.length > 0 ? shard.write(plain, ms, replaces) : [],
        leased.length > 0 ? shard.fill(leased, ms, replaces) : [],
        // What the owner has of them must not come back with it.
        detour && owner.remove(storedNames(some), ms),
      ])
      let [w, f] = [0, 0]
      return some.map(({ token }) => (token ? filled[f++] : written[w++]) as Stored)
    })
  }

  /** The shard a key goes to. */
  shardOf(key: PlacedKey): Shard {
    return this.#route(this.#current(), key).shard
  }

  /** Takes leases; one result each, in order. */
  lease(items: readonly (PlacedKey & { readonly request: LeaseRequest })[], ms: number): Promise<RoutedLease[]> {
    return this.#dispatch(this.#current(), items, async ({ route, keys: some }) => {
      const { primary } = route.shard
      const source = { guard: primary, generation: primary.generation }
      const requests = some.map(({ request }) => request)
      const outcomes = await route.shard.lease(requests, ms)
      return outcomes.map((outcome) => ({ outcome, source, route }))
    })
  }

  /** Makes entries out of date; one outcome each, in order. */
  expire(items: readonly (RoutedKey & Omit<ExpireRequest, 'key'>)[], ms: number): Promise<Removal[]> {
    return this.#dispatch(this.#current(), items, async ({ route: { shard, owner, detour }, keys: some }) => {
      if (!detour) return shard.expire(some.map(atNode), ms)
      const [here, there] = await Promise.all([shard.expire(some.map(atNode), ms), owner.remove(storedNames(some), ms)])
      return here.map((removal, i) => worseOf(removal, there[i] as Removal))
    })
  }

  /** Removes keys; one outcome each, in order. */
  remove(keys: readonly RoutedKey[], ms: number): Promise<Removal[]> {
    return this.#dispatch(this.#current(), keys, async ({ route: { shard, owner, detour }, keys: some }) => {
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
   * @param writer this cache's mark: what it wrote itself has the time of the clock by which it raises fences
   */
  isVoid(
    { outcome, source, route: { shard, topology, detour } }: Routed,
    key: string,
    writtenAt: number | undefined,
    writer: Uint8Array,
  ): boolean {
    const fence = Math.max(
      shard.ledger.fence,
      source?.guard.acquaintance.fence ?? 0,
      // A replica holds what its primary holds, also what that brought back from its disk.
      shard.primary.acquaintance.fence,
      detour?.since ?? 0,
    )
    const { history, ring } = topology
    if (fence === 0 && history.past.length === 0) return false
    if (writtenAt === undefined) return true
    const own = outcome instanceof Slice && isWrittenBy(outcome, writer)
    const surely = own ? writtenAt : writtenAt - MAX_CLOCK_SKEW
    // Where a node stands in for the owner, the entry's age has been judged.
    return surely <= fence || (detour === undefined && movedSince(history, ring, key, surely))
  }

  #route(topology: Topology, key: PlacedKey, index: number = ownerIndex(topology, key)): Route {
    const owner = topology.shards[index] as Shard
    const detour = this.#ejector?.detour(topology, owner, key.key)
    if (detour) return { topology, owner, shard: detour.shard, detour }
    if (this.#routed !== topology) {
      this.#routed = topology
      this.#direct = topology.shards.map((shard) => ({ topology, owner: shard, shard, detour }))
    }
    return this.#direct[index] as Route
  }

  async #dispatch<K extends PlacedKey, T>(
    topology: Topology,
    keys: readonly K[],
    ask: (group: Group<K>) => Promise<T[]>,
  ): Promise<T[]> {
    const groups = this.#group(topology, keys)
    if (groups.length === 1) return ask(groups[0] as Group<K>)
    const results: T[] = []
    results.length = keys.length
    await Promise.all(
      groups.map(async (group) => {
        const some = await ask(group)
        for (let i = 0; i < some.length; i++) results[group.at[i] as number] = some[i] as T
      }),
    )
    return results
  }

  #group<K extends PlacedKey>(topology: Topology, keys: readonly K[]): Group<K>[] {
    const groups: Group<K>[] = []
    /** By the index of the owner, the group that its last key went to. */
    const latest: (Group<K> | undefined)[] = []
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] as K
      const index = ownerIndex(topology, key)
      let group = latest[index]
      if (group === undefined || this.#ejector) {
        const route = this.#route(topology, key, index)
        group = groups.find((one) => one.route.owner === route.owner && one.route.shard === route.shard)
        if (group === undefined) groups.push((group = { route, keys: [], at: [] }))
        latest[index] = group
      }
      group.keys.push(key)
      group.at.push(at)
    }
    return groups
  }
}

function ownerIndex({ ring, shards }: Topology, key: PlacedKey): number {
  // One node has all keys, wherever they lie.
  if (shards.length === 1) return 0
  return ring.ownerAt((key.position ??= ring.position(key.key) | 0))
}

function atNode({ stored, now, version }: RoutedKey & Omit<ExpireRequest, 'key'>): ExpireRequest {
  return { key: stored, now, version }
}

// Loops: V8 calls what is given to `map` once for each key, where it does not see what that is.

function storedNames(keys: readonly RoutedKey[]): string[] {
  const names: string[] = []
  for (let i = 0; i < keys.length; i++) names.push((keys[i] as RoutedKey).stored)
  return names
}

function routedReads(answers: Answers, route: Route): Routed[] {
  const { outcomes } = answers
  const routed: Routed[] = []
  for (let i = 0; i < outcomes.length; i++) routed.push(new RoutedRead(outcomes[i], answers.sourceOf(i), route))
  return routed
}

const ORDER: readonly Removal['status'][] = ['failed', 'journaled', 'deleted', 'absent']

/** Of what two nodes came to with one key: any failed, else any journaled, else any deleted, else absent. */
function worseOf(a: Removal, b: Removal): Removal {
  return ORDER.indexOf(a.status) <= ORDER.indexOf(b.status) ? a : b
}
