import type { Clock } from '../base/clock.ts'
import type { Drops } from '../base/drops.ts'
import { NodeError } from '../base/errors.ts'
import type { Hash } from '../base/hash.ts'
import { RecentTime } from '../base/recent-time.ts'
import { Slice } from '../base/slice.ts'
import type { Stamps } from '../base/stamps.ts'
import type { Routed, RoutedWrite } from '../cluster/routed.ts'
import type { Router } from '../cluster/router.ts'
import { Entry, EntryTimes } from '../entry/entry.ts'
import { heldSize, pack, type Form } from '../entry/form.ts'
import { isFailure } from '../node/contract.ts'
import type { Writer } from '../shard/gathered-writes.ts'
import type { Removal, Stored } from '../shard/outcomes.ts'
import type { TierRead, TierWrite } from './asked.ts'
import { Fence } from './fence.ts'
import { Found } from './found.ts'
import { Intake, LEASED, type Taken } from './intake.ts'
import type { TierKey } from './key.ts'
import type { L1, Moment } from './l1.ts'
import { Leases } from './leases.ts'
import { OneRead, type Accept, type Asker } from './one-read.ts'

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

const UNREACHED = new NodeError('ERR_NODE_DOWN', 'the node does not answer, and was not asked')

/** L1 in front of the nodes, as one store of entries. */
export class Tiers {
  readonly l1: L1 | undefined
  readonly #context: TiersContext
  /** It guards L1, and nothing else: without L1 there is none. */
  readonly #fence: Fence | undefined
  readonly #intake: Intake
  readonly leases: Leases
  readonly #acceptOne: Accept
  readonly #recent: RecentTime

  constructor(context: TiersContext) {
    this.l1 = context.l1
    this.#recent = new RecentTime(context.clock, 'turn')
    this.#context = context
    this.#fence = context.l1 && new Fence(context.hash)
    this.#intake = new Intake(context)
    this.leases = new Leases(context, this.#intake)
    this.#acceptOne = (read, now) => {
      const { target, form, end, outcome } = read
      // Nothing came: there is nothing to look at.
      if (!(outcome instanceof Slice)) return new Found(undefined, undefined, read.route.shard.id, outcome)
      const taken = this.#intake.acceptOne(target, read, form, end, now)
      if (taken instanceof Entry || !(taken instanceof Promise))
        return this.#take(target, read, taken, read.stamp, read.began)
      return taken.then((one) => this.#take(target, read, one, read.stamp, read.began))
    }
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
      if (entry) found[at] = new Found(entry, undefined, 'l1', undefined)
      else asked.push(at)
    }
    if (asked.length === 0) return found
    const targets = asked.length === keys.length ? keys : asked.map((at) => keys[at] as TierKey)
    for (const [i, one] of (await this.#readNodes(targets, how)).entries()) found[asked[i] as number] = one
    return found
  }

  /**
   * Reads one key, as {@link Tiers.read} does, for somebody who settles the promise that is returned. It shares a command
   * with others that are read in the same turn.
   */
  readOne(target: TierKey, how: TierRead, asker: Asker): Promise<unknown> {
    const { router, clock } = this.#context
    const fills = how.l1 !== 'off' && this.#fence !== undefined
    const began = fills ? this.#moment() : undefined
    const since = began?.monotonic ?? this.#recent.monotonic()
    const end = since + how.timeout
    const stamp = fills ? this.#fence?.stamp(target.key) : undefined
    const read = new OneRead(target, how.form, end, began, stamp, this.#acceptOne, asker)
    const entry = how.l1 === 'use' ? this.l1?.get(target.key) : undefined
    if (entry) asker.found(new Found(entry, undefined, 'l1', undefined), read, clock.now())
    else read.route = router.join(target, how.reads, how.timeout, read, since)
    return read.promise
  }

  #readNodes(keys: readonly TierKey[], { form, reads, timeout, l1 }: TierRead): Promise<Found[]> {
    const fence = l1 === 'off' ? undefined : this.#fence
    const stamps = fence && keys.map(({ key }) => fence.stamp(key))
    const began = this.#moment()
    return this.#context.router.read(keys, reads, timeout, (some, routed, at) => {
      const found = (taken: readonly Taken[]): Found[] => {
        const all: Found[] = []
        for (let i = 0; i < routed.length; i++) {
          all.push(this.#take(some[i] as TierKey, routed[i] as Routed, taken[i], stamps?.[at[i] as number], began))
        }
        return all
      }
      const taken = this.#intake.accept(some, routed, form, began.monotonic + timeout)
      return taken instanceof Promise ? taken.then(found) : found(taken)
    })
  }

  /**
   * L1 takes what was read, unless something overtook the read.
   *
   * @param stamp the fence's, from before the read; `undefined` when L1 is left alone
   */
  #take(
    { key }: TierKey,
    { outcome, route }: Routed,
    taken: Taken,
    stamp: number | undefined,
    began: Moment | undefined,
  ): Found {
    const entry = taken === LEASED ? undefined : taken
    if (entry && began && stamp !== undefined && this.#fence?.stamp(key) === stamp) this.l1?.set(key, entry, began)
    const bytes = outcome instanceof Slice ? outcome : undefined
    return new Found(entry, bytes, route.shard.id, isFailure(outcome) ? outcome : undefined)
  }

  /**
   * Writes entries to their owners; L1 takes those that were stored. One outcome each, in order.
   *
   * @param replaces whether an older value must not stay readable when the write fails. One that replaces nothing is not
   *   sent to a node that does not answer now.
   */
  async write(entries: readonly TierWrite[], form: Form, timeout: number, replaces: boolean): Promise<Stored[]> {
    const { router, hash, stamps: clock } = this.#context
    const began = this.#moment()
    const now = clock.now()
    const { writer } = clock
    const stamps = this.#invalidateAll(entries)
    const outcomes: Stored[] = entries.map(() => UNREACHED)
    const sent: number[] = []
    const items: RoutedWrite[] = []
    for (const [i, { target, kind, payload, ttl, window, token, loadTime }] of entries.entries()) {
      if (!replaces && !this.takesFill(target, form, token)) continue
      sent.push(i)
      const value = pack(form, payload, target, { kind, ttl, window, loadTime, now, writer }, hash)
      items.push({ key: target.key, position: target.position, stored: target.stored, value, ttl: ttl + window, token })
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
    for (const [i, entry] of entries.entries()) {
      if (!overtaken[i] && outcomes[i] !== 'lost') this.#keep(entry, outcomes[i] as Stored, form, now, began)
    }
    return outcomes
  }

  /**
   * Writes one entry, as {@link Tiers.write} does, together with others that are written in the same turn.
   *
   * @param writer told what came of it, maybe at once
   */
  writeOne(entry: TierWrite, form: Form, timeout: number, replaces: boolean, writer: Writer<Stored>): void {
    const now = this.#context.stamps.now()
    const teller = this.#fence ? this.#keeper(entry, form, now, this.#fence, writer) : writer
    const { target, payload, kind, ttl, window, token, loadTime } = entry
    if (!replaces && !this.takesFill(target, form, token)) {
      teller.written(UNREACHED)
      return
    }
    const { router, hash, stamps } = this.#context
    const { writer: mark } = stamps
    const value = pack(form, payload, target, { kind, ttl, window, loadTime, now, writer: mark }, hash)
    router.joinWrite(target, value, ttl + window, token, timeout, replaces, teller)
  }

  /** Sees to it that L1 takes what is written, and tells the writer. */
  #keeper(entry: TierWrite, form: Form, now: number, fence: Fence, writer: Writer<Stored>): Writer<Stored> {
    const { key } = entry.target
    const began = this.#moment()
    this.invalidate(key)
    const stamp = fence.stamp(key)
    return {
      written: (outcome) => {
        const overtaken = fence.stamp(key) !== stamp || entry.valid?.() === false
        this.invalidate(key)
        try {
          if (!overtaken && outcome !== 'lost') this.#keep(entry, outcome, form, now, began)
        } catch (error) {
          // L1 was given a function that throws.
          writer.failed(error)
          return
        }
        writer.written(outcome)
      },
      failed: (error) => {
        this.invalidate(key)
        writer.failed(error)
      },
    }
  }

  /** L1 takes an entry that was written, if it is to. */
  #keep(entry: TierWrite, outcome: Stored, form: Form, now: number, began: Moment): void {
    const { target, kind, payload, value, ttl, window, loadTime, l1 } = entry
    if (!(l1 === 'always' || (l1 === 'stored' && outcome === 'stored'))) return
    const freshUntil = now + ttl
    const times = new EntryTimes(now, freshUntil, freshUntil + window, loadTime, false)
    this.l1?.set(target.key, new Entry(kind, value, heldSize(form, payload), times), began)
  }

  /**
   * Whether a write that replaces nothing is worth sending: its node answers, and where there are leases, it is made under
   * one: what was loaded without might be older than what was deleted since.
   */
  takesFill(target: TierKey, { format }: Form, token: Uint8Array | undefined): boolean {
    const shard = this.#context.router.shardOf(target)
    return shard.responsive && (token !== undefined || format === 'raw' || !shard.leases)
  }

  /** Makes entries out of date: they may still be served when their load fails. One outcome each, in order. */
  async expire(keys: readonly TierKey[], { format }: Form, timeout: number): Promise<Removal[]> {
    if (format === 'raw') return this.remove(keys, timeout)
    const now = this.#context.clock.now()
    for (const { key } of keys) this.invalidate(key)
    const items = keys.map(({ key, position, stored }) => ({
      key,
      position,
      stored,
      now,
      version: this.leases.newToken(),
    }))
    const removals = await this.#context.router.expire(items, timeout)
    for (const { key } of keys) this.invalidate(key)
    return removals
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
