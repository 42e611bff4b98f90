import type { Clock } from '../base/clock.ts'
import type { Drops } from '../base/drops.ts'
import type { Hash } from '../base/hash.ts'
import { Slice } from '../base/slice.ts'
import type { Stamps } from '../base/stamps.ts'
import type { Routed } from '../cluster/routed.ts'
import type { Router } from '../cluster/router.ts'
import { Entry } from '../entry/entry.ts'
import { unpack, type Form, type NoEntry, type Unpacked } from '../entry/form.ts'
import { isFailure } from '../node/contract.ts'
import type { Guard } from '../node/guard.ts'
import { removeIf } from '../node/powers.ts'
import type { SliceOutcome } from '../node/slices.ts'
import type { TierKey } from './key.ts'

/** What {@link Intake} is made of. */
export interface IntakeContext {
  readonly router: Router
  readonly hash: Hash
  readonly clock: Clock
  readonly stamps: Stamps
  readonly drops: Drops
  /** Milliseconds. */
  readonly nodeTimeout: number
}

/** What came of one key: a placeholder (somebody loads the key), an entry, or nothing that may be used. */
export type Taken = Entry | typeof LEASED | undefined
export const LEASED: unique symbol = Symbol('leased')

/** For how long, in milliseconds, a server whose wrong values proved to be stored so is not doubted again: doubled each time. */
const FIRST_TRUST = 1_000
const LAST_TRUST = 60_000

interface Trust {
  /** Monotonic. */
  until: number
  ms: number
}

/** Makes entries of what nodes bring, and finds out what is none: damaged, another key's, or from before a fence. */
export class Intake {
  readonly #context: IntakeContext
  readonly #trust = new WeakMap<Guard, Trust>()

  constructor(context: IntakeContext) {
    this.#context = context
  }

  /**
   * What came of each key that was read. A value that is damaged or another key's may mean that the replies
   * of its connection are out of step: that connection is replaced, and all that the read brought over it is read again.
   * What is still wrong then is stored so, and removed, if it is still the same.
   *
   * @param end when the read's time is over (monotonic)
   */
  accept(targets: readonly TierKey[], routed: readonly Routed[], form: Form, end: number): Taken[] | Promise<Taken[]> {
    const results: (Unpacked | undefined)[] = []
    const now = this.#context.clock.now()
    for (let i = 0; i < routed.length; i++) {
      const { outcome } = routed[i] as Routed
      const unpacked = outcome instanceof Slice ? this.#unpack(targets[i] as TierKey, outcome, form, now) : undefined
      // Rare: values out of step, and schemas that take their time.
      if (!(unpacked instanceof Entry) && (unpacked instanceof Promise || isWrong(unpacked, form))) {
        return this.#acceptSlowly(targets, routed, form, end)
      }
      results.push(unpacked)
    }
    const taken: Taken[] = []
    for (let i = 0; i < results.length; i++)
      taken.push(this.#take(targets[i] as TierKey, results[i], routed[i] as Routed))
    return taken
  }

  /**
   * The same for one key.
   *
   * @param now wall clock
   */
  acceptOne(target: TierKey, routed: Routed, form: Form, end: number, now: number): Taken | Promise<Taken> {
    const { outcome } = routed
    const unpacked = outcome instanceof Slice ? this.#unpack(target, outcome, form, now) : undefined
    // In an order in which an entry is asked once what it is.
    const good = unpacked instanceof Entry || !(unpacked instanceof Promise || isWrong(unpacked, form))
    if (good) return this.#take(target, unpacked, routed)
    return this.#acceptSlowly([target], [routed], form, end).then(([one]) => one as Taken)
  }

  async #acceptSlowly(
    targets: readonly TierKey[],
    routed: readonly Routed[],
    form: Form,
    end: number,
  ): Promise<Taken[]> {
    const look = async (i: number, bytes: unknown): Promise<Unpacked | undefined> =>
      bytes instanceof Slice ? this.#unpack(targets[i] as TierKey, bytes, form, this.#context.clock.now()) : undefined
    const results = await Promise.all(routed.map(({ outcome }, i) => look(i, outcome)))
    const doubted = new Set<Guard>()
    for (const [i, { source }] of routed.entries()) if (source && isWrong(results[i], form)) doubted.add(source.guard)
    for (const guard of doubted) {
      const places = [...routed.keys()].filter((i) => routed[i]?.source?.guard === guard)
      for (const i of places) this.#tell(targets[i] as TierKey, results[i], routed[i] as Routed)
      const again = await this.#readAgain(guard, places, targets, routed, end)
      const bytes = places.map((i, n) =>
        again === 'trusted' ? routed[i]?.outcome : again === 'unanswered' ? undefined : again[n],
      )
      const unpacked = await Promise.all(places.map((i, n) => look(i, bytes[n])))
      for (const [n, i] of places.entries()) {
        const [seen, of] = [unpacked[n], bytes[n]]
        results[i] = seen
        if (isWrong(seen, form) && of instanceof Slice) {
          this.#removeWrong(routed[i] as Routed, targets[i] as TierKey, of, seen)
        }
      }
      if (again === 'trusted') continue
      const gone = again === 'unanswered'
      this.#learn(guard, gone || places.some((i, n) => isWrong(results[i], form) || isFailure(again[n])))
    }
    return routed.map((one, i) => this.#take(targets[i] as TierKey, results[i], one, doubted))
  }

  #unpack(target: TierKey, bytes: Slice, form: Form, now: number): Unpacked | Promise<Unpacked> {
    return unpack(form, bytes, target, now, this.#context.hash)
  }

  /**
   * The same keys once more, over a new connection; `trusted` when the one that was used is held to be in step, and
   * `unanswered` when there was no new one in time.
   */
  async #readAgain(
    guard: Guard,
    places: readonly number[],
    targets: readonly TierKey[],
    routed: readonly Routed[],
    end: number,
  ): Promise<SliceOutcome[] | 'trusted' | 'unanswered'> {
    const { clock } = this.#context
    const generation = routed[places[0] as number]?.source?.generation
    // What came over a connection that was replaced meanwhile can be read again at no such cost.
    const trusted = clock.monotonic() < (this.#trust.get(guard)?.until ?? -Infinity)
    if (trusted && generation === guard.generation) return 'trusted'
    const left = (): number => end - clock.monotonic()
    if (generation === undefined || left() < 1) return 'unanswered'
    if (!(await guard.replace(generation, left())) || left() < 1) return 'unanswered'
    return guard.read(
      places.map((i) => (targets[i] as TierKey).stored),
      left(),
    )
  }

  /** A connection that was replaced in vain, because it was in step or there was no other: not again too soon. */
  #learn(guard: Guard, vain: boolean): void {
    if (!vain) {
      this.#trust.delete(guard)
      return
    }
    const ms = Math.min(LAST_TRUST, (this.#trust.get(guard)?.ms ?? FIRST_TRUST / 2) * 2)
    this.#trust.set(guard, { until: this.#context.clock.monotonic() + ms, ms })
  }

  /** Only if it is still the same: meanwhile somebody may have written a good one. Replicas take no writes. */
  #removeWrong({ route }: Routed, target: TierKey, bytes: Slice, { status }: NoEntry): void {
    const { router, nodeTimeout } = this.#context
    const { primary } = route.shard
    if (primary.adapter.powers.removeIf) void removeIf(primary, target.stored, bytes.own(), nodeTimeout)
    // Another key's value may be read rightly by a second look; a damaged one never.
    else if (status === 'corrupt') void router.remove([target], nodeTimeout)
  }

  /** The entry, if it is one and not void; tells what was dropped. */
  #take(target: TierKey, unpacked: Unpacked | undefined, routed: Routed, told?: Set<Guard>): Taken {
    const { drops, router, stamps } = this.#context
    if (!(unpacked instanceof Entry)) {
      if (unpacked === undefined) return undefined
      if (unpacked.status === 'lease') return LEASED
      if (!(routed.source && told?.has(routed.source.guard))) this.#tell(target, unpacked, routed)
      return undefined
    }
    const { times } = unpacked
    if (times === undefined) return unpacked
    if (times.skewed) drops.tell('clock-skew', target.key, routed.route.shard.id)
    if (router.isVoid(routed, target.key, times.skewed ? undefined : times.writtenAt, stamps.writer)) {
      drops.tell('fenced', target.key, routed.route.shard.id)
      return undefined
    }
    return unpacked
  }

  #tell(target: TierKey, unpacked: Unpacked | undefined, { route }: Routed): void {
    if (unpacked === undefined || unpacked instanceof Entry || unpacked.status === 'lease') return
    this.#context.drops.tell(unpacked.status, target.key, route.shard.id)
  }
}

/** Whether it is no value of this key at all. What is stored raw carries nothing to tell it by. */
function isWrong(unpacked: Unpacked | undefined, { format }: Form): unpacked is NoEntry {
  if (unpacked === undefined || unpacked instanceof Entry || format === 'raw') return false
  return unpacked.status === 'corrupt' || unpacked.status === 'wrong-key'
}
