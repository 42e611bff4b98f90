import type { Clock } from '../base/clock.ts'
import type { Drops } from '../base/drops.ts'
import { NodeError } from '../base/errors.ts'
import type { Hash } from '../base/hash.ts'
import type { Stamps } from '../base/stamps.ts'
import type { Routed, Router } from '../cluster/router.ts'
import { pack, packedSize, type Entry, type Form } from '../entry/form.ts'
import { isFailure, type WriteOutcome } from '../node/contract.ts'
import type { ReadPolicy } from '../shard/read-policy.ts'
import type { Removal } from '../shard/shard.ts'
import { Fence } from './fence.ts'
import { Intake } from './intake.ts'
import type { TierKey } from './key.ts'
import type { L1 } from './l1.ts'

/** What a read found for one key. */
export interface Found {
  readonly entry: Entry | undefined
  /** `'l1'`, or the id of the node that was asked. */
  readonly source: string
  /** What kept the node from answering. */
  readonly error: NodeError | undefined
}

/** How a read goes. */
export interface TierRead {
  readonly form: Form
  readonly reads: ReadPolicy
  /** Milliseconds. */
  readonly timeout: number
  /** Whether L1 may answer (`use`), is only filled (`fill`), or is left alone (`off`). */
  readonly l1: 'use' | 'fill' | 'off'
}

/** An entry on its way to its node and to L1. */
export interface TierWrite {
  readonly target: TierKey
  readonly kind: 'value' | 'negative'
  /** The codec's bytes. */
  readonly payload: Uint8Array
  /** What a read would give, for L1. */
  readonly value: unknown
  /** Milliseconds. */
  readonly ttl: number
  /** Milliseconds; 0 when the value was not loaded. */
  readonly loadTime: number
  /** False when something newer overtook the entry; asked again before L1 takes it. */
  readonly valid?: () => boolean
  /**
   * Whether L1 takes the entry: when its node did, never, or always: also when the node did not, as for a loaded value, so
   * that a node that is down costs fewer loads.
   */
  readonly l1: 'stored' | 'always' | 'never'
}

/** What {@link Tiers} is made of. */
export interface TiersContext {
  readonly router: Router
  readonly l1: L1 | undefined
  readonly hash: Hash
  readonly clock: Clock
  readonly stamps: Stamps
  readonly drops: Drops
  readonly nodeTimeout: number
}

/** A moment on both clocks. */
interface Moment {
  readonly monotonic: number
  readonly now: number
}

const UNREACHED = new NodeError('ERR_NODE_DOWN', 'the node does not answer, and was not asked')

/** L1 in front of the nodes, as one store of entries. */
export class Tiers {
  readonly l1: L1 | undefined
  readonly #context: TiersContext
  /** It guards L1, and nothing else: without L1 there is none. */
  readonly #fence: Fence | undefined
  readonly #intake: Intake

  constructor(context: TiersContext) {
    this.l1 = context.l1
    this.#context = context
    this.#fence = context.l1 && new Fence(context.hash)
    this.#intake = new Intake(context)
  }

  /** Reads keys, from L1 where it has them, else from their owners; L1 takes what comes. One result each, in order. */
  read(keys: readonly TierKey[], how: TierRead): Promise<Found[]> {
    return how.l1 === 'use' && this.l1 ? this.#readBoth(keys, how, this.l1) : this.#readNodes(keys, how)
  }

  async #readBoth(keys: readonly TierKey[], how: TierRead, l1: L1): Promise<Found[]> {
    const found: Found[] = []
    const asked: number[] = []
    for (const [at, { key }] of keys.entries()) {
      const entry = l1.get(key)
      if (entry) found[at] = { entry, source: 'l1', error: undefined }
      else asked.push(at)
    }
    if (asked.length === 0) return found
    const targets = asked.length === keys.length ? keys : asked.map((at) => keys[at] as TierKey)
    for (const [i, one] of (await this.#readNodes(targets, how)).entries()) found[asked[i] as number] = one
    return found
  }

  /** Reads one key, as {@link Tiers.read} does. It shares a command with others that are read in the same turn. */
  readOne(target: TierKey, how: TierRead): Promise<Found> {
    const entry = how.l1 === 'use' ? this.l1?.get(target.key) : undefined
    if (entry) return Promise.resolve({ entry, source: 'l1', error: undefined })
    const stamp = how.l1 === 'off' ? undefined : this.#fence?.stamp(target.key)
    const began = this.#moment()
    const { route, place } = this.#context.router.join(target, how.reads, how.timeout)
    return place.answers.then(({ outcomes, sources }) => {
      const routed: Routed = { outcome: outcomes[place.at], source: sources[place.at], route }
      const accepted = this.#accept([target], [routed], how, began)
      const take = ([one]: readonly (Entry | undefined)[]): Found => this.#take(target, routed, one, stamp, began)
      return accepted instanceof Promise ? accepted.then(take) : take(accepted)
    })
  }

  async #readNodes(keys: readonly TierKey[], how: TierRead): Promise<Found[]> {
    const fence = how.l1 === 'off' ? undefined : this.#fence
    const stamps = fence && keys.map(({ key }) => fence.stamp(key))
    const began = this.#moment()
    const routed = await this.#context.router.read(keys, how.reads, how.timeout)
    const entries = await this.#accept(keys, routed, how, began)
    return routed.map((one, i) => this.#take(keys[i] as TierKey, one, entries[i], stamps?.[i], began))
  }

  #accept(
    keys: readonly TierKey[],
    routed: readonly Routed[],
    { form, timeout }: TierRead,
    { monotonic }: Moment,
  ): ReturnType<Intake['accept']> {
    return this.#intake.accept(keys, routed, form, monotonic + timeout)
  }

  /**
   * L1 takes what was read, unless something overtook the read.
   *
   * @param stamp the fence's, from before the read; `undefined` when L1 is left alone
   */
  #take(
    { key }: TierKey,
    { outcome, route }: Routed,
    entry: Entry | undefined,
    stamp: number | undefined,
    began: Moment,
  ): Found {
    if (entry && stamp !== undefined && this.#fence?.stamp(key) === stamp) this.l1?.set(key, entry, began)
    return { entry, source: route.shard.id, error: isFailure(outcome) ? outcome : undefined }
  }

  /**
   * Writes entries to their owners; L1 takes those that were stored. One outcome each, in order.
   *
   * @param replaces whether an older value must not stay readable when the write fails. One that replaces nothing is not
   *   sent to a node that does not answer now.
   */
  async write(entries: readonly TierWrite[], form: Form, timeout: number, replaces: boolean): Promise<WriteOutcome[]> {
    const { router, hash, stamps: clock } = this.#context
    const began = this.#moment()
    const now = clock.now()
    const { writer } = clock
    const stamps = this.#invalidateAll(entries)
    const outcomes: WriteOutcome[] = entries.map(() => UNREACHED)
    const sent: number[] = []
    const items: (TierKey & { value: Uint8Array; ttl: number })[] = []
    for (const [i, { target, kind, payload, ttl, loadTime }] of entries.entries()) {
      if (!replaces && !router.reaches(target.key)) continue
      sent.push(i)
      items.push({
        ...target,
        value: pack(form, payload, target.full, { kind, ttl, loadTime, now, writer }, hash),
        ttl,
      })
    }
    if (sent.length > 0) {
      for (const [n, outcome] of (await router.write(items, timeout, replaces)).entries()) {
        outcomes[sent[n] as number] = outcome
      }
    }
    const overtaken = entries.map(
      ({ target, valid }, i) => this.#fence?.stamp(target.key) !== stamps[i] || valid?.() === false,
    )
    this.#invalidateAll(entries)
    for (const [i, { target, kind, payload, value, ttl, l1 }] of entries.entries()) {
      if (overtaken[i] || !(l1 === 'always' || (l1 === 'stored' && outcomes[i] === 'stored'))) continue
      const until = now + ttl
      const times = { writtenAt: now, freshUntil: until, entryUntil: until }
      this.l1?.set(target.key, { kind, value, size: packedSize(form, payload), times }, began)
    }
    return outcomes
  }

  /** Removes keys from both tiers. One outcome each, in order. */
  async remove(keys: readonly TierKey[], timeout: number): Promise<Removal[]> {
    for (const { key } of keys) this.invalidate(key)
    const removals = await this.#context.router.remove(keys, timeout)
    for (const { key } of keys) this.invalidate(key)
    return removals
  }

  /** Takes a key out of L1 and keeps reads that are under way from bringing it back. */
  invalidate(key: string): void {
    this.l1?.delete(key)
    this.#fence?.raise(key)
  }

  /** Returns the new stamps, taken when all are raised: keys of one stripe must not void each other's. */
  #invalidateAll(entries: readonly TierWrite[]): (number | undefined)[] {
    for (const { target } of entries) this.invalidate(target.key)
    return entries.map(({ target }) => this.#fence?.stamp(target.key))
  }

  #moment(): Moment {
    const { clock } = this.#context
    return { monotonic: clock.monotonic(), now: clock.now() }
  }
}
