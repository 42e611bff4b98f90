import type { NodeError } from '../base/errors.ts'
import { sliceOf } from '../base/slice.ts'
import type { Route } from '../cluster/routed.ts'
import { newVersion } from '../entry/envelope.ts'
import { isWrittenBy, leaseUntilIn, packLease, type Form } from '../entry/form.ts'
import type { LeaseOutcome, LeaseRequest } from '../node/atomic.ts'
import { isFailure } from '../node/contract.ts'
import type { Writer } from '../shard/gathered-writes.ts'
import type { Shard } from '../shard/shard.ts'
import { LEASED, type Intake, type IntakeContext, type Taken } from './intake.ts'
import type { TierKey } from './key.ts'
import { Found } from './found.ts'

/** A lease that is wanted. */
export interface Wanted {
  readonly target: TierKey
  /** The version of what it is to replace; `undefined` when there is nothing; `'any'` to replace whatever there is. */
  readonly seen: Uint8Array | 'any' | undefined
  readonly token: Uint8Array
}

/** A lease that was taken. */
export interface Held {
  /** The stored key. */
  readonly key: string
  readonly token: Uint8Array
  /** Where it was taken: the key may have moved since. */
  readonly shard: Shard
}

/** What taking a lease came to: somebody else may hold it, or have written meanwhile. */
export type Leased =
  | { readonly status: 'won'; readonly held: Held }
  | {
      readonly status: 'held'
      /** Whether it was taken by this cache. */
      readonly own: boolean
      /** When it ends unless it is renewed, as far as is known, by its holder's clock (wall clock). */
      readonly until: number | undefined
    }
  | { readonly status: 'found'; readonly found: Found }
  | { readonly status: 'failed'; readonly error: NodeError; readonly held: Held }

/** Who waits for one lease. */
export interface Taker {
  /** Told what taking it came to, once. Must not throw. */
  taken(leased: Leased): void
  /** Told instead that it went wrong. Must not throw. */
  failed(error: unknown): void
}

type AcceptLease = (one: OneLease, outcome: LeaseOutcome) => Leased | Promise<Leased>

/** A lease that is being taken. */
class OneLease implements Writer<LeaseOutcome> {
  readonly wanted: Wanted
  readonly form: Form
  /** When its time is over (monotonic). */
  readonly end: number
  /** Where it was sent, and over which connection. */
  route!: Route
  generation = 0
  readonly #accept: AcceptLease
  readonly #taker: Taker

  constructor(wanted: Wanted, form: Form, end: number, accept: AcceptLease, taker: Taker) {
    this.wanted = wanted
    this.form = form
    this.end = end
    this.#accept = accept
    this.#taker = taker
  }

  written(outcome: LeaseOutcome): void {
    try {
      const leased = this.#accept(this, outcome)
      if (!(leased instanceof Promise)) this.#taker.taken(leased)
      else leased.then((one) => this.#taker.taken(one)).catch((error: unknown) => this.#taker.failed(error))
    } catch (error) {
      this.#taker.failed(error)
    }
  }

  failed(error: unknown): void {
    this.#taker.failed(error)
  }
}

/** A lease as its node is asked for it. */
class OneRequest implements LeaseRequest {
  readonly key: string
  readonly seen: Uint8Array | 'any' | undefined
  readonly token: Uint8Array
  readonly placeholder: Uint8Array
  readonly ms: number

  constructor(key: string, seen: OneRequest['seen'], token: Uint8Array, placeholder: Uint8Array, ms: number) {
    this.key = key
    this.seen = seen
    this.token = token
    this.placeholder = placeholder
    this.ms = ms
  }
}

/** The leases on nodes: by them one process loads a key while others wait, and a delete is not overtaken. */
export class Leases {
  readonly #context: IntakeContext
  readonly #intake: Intake

  readonly #acceptOne: AcceptLease

  constructor(context: IntakeContext, intake: Intake) {
    this.#context = context
    this.#intake = intake
    this.#acceptOne = ({ wanted, form, end, route, generation }, outcome) => {
      const accept = (entry: Taken): Leased => this.#leased(wanted, outcome, route.shard, entry)
      if (!(outcome instanceof Uint8Array)) return accept(undefined)
      const routed = { outcome: sliceOf(outcome), source: { guard: route.shard.primary, generation }, route }
      const taken = this.#intake.acceptOne(wanted.target, routed, form, end, context.clock.now())
      return taken instanceof Promise ? taken.then(accept) : accept(taken)
    }
  }

  /** Whether there is a lease to be had on a key. */
  available(key: TierKey, { format }: Form): boolean {
    const shard = this.#context.router.shardOf(key)
    return format === 'envelope' && shard.responsive && shard.leases
  }

  /** Takes leases for `leaseMs`; one result each, in order. */
  async take(wanted: readonly Wanted[], form: Form, leaseMs: number, timeout: number): Promise<Leased[]> {
    const { router, clock, stamps } = this.#context
    const end = clock.monotonic() + timeout
    const now = stamps.now()
    const items = wanted.map((one) => ({
      key: one.target.key,
      position: one.target.position,
      request: this.#request(one, leaseMs, now),
    }))
    const routed = await router.lease(items, timeout)
    const targets = wanted.map(({ target }) => target)
    const read = routed.map(({ outcome, source, route }) => ({
      outcome: outcome instanceof Uint8Array ? sliceOf(outcome) : undefined,
      source,
      route,
    }))
    const taken = await this.#intake.accept(targets, read, form, end)
    return routed.map(({ outcome, route }, i) => this.#leased(wanted[i] as Wanted, outcome, route.shard, taken[i]))
  }

  /** Takes one lease, together with others that are taken in the same turn. */
  takeOne(wanted: Wanted, form: Form, leaseMs: number, timeout: number, taker: Taker): void {
    const { router, clock, stamps } = this.#context
    const one = new OneLease(wanted, form, clock.monotonic() + timeout, this.#acceptOne, taker)
    one.route = router.joinLease(wanted.target, this.#request(wanted, leaseMs, stamps.now()), timeout, one)
    one.generation = one.route.shard.primary.generation
  }

  #request({ target, seen, token }: Wanted, leaseMs: number, now: number): LeaseRequest {
    const placeholder = packLease(target, token, leaseMs, now, this.#context.hash)
    return new OneRequest(target.stored, seen, token, placeholder, leaseMs)
  }

  #leased({ target, token }: Wanted, outcome: LeaseOutcome, shard: Shard, entry: Taken): Leased {
    const held = { key: target.stored, token, shard }
    if (outcome === 'won') return { status: 'won', held }
    if (outcome === 'held') return { status: 'held', own: false, until: undefined }
    if (isFailure(outcome)) return { status: 'failed', error: outcome, held }
    const bytes = sliceOf(outcome)
    if (entry === LEASED) {
      const own = isWrittenBy(bytes, this.#context.stamps.writer)
      return { status: 'held', own, until: leaseUntilIn(bytes) }
    }
    return { status: 'found', found: new Found(entry, bytes, shard.id, undefined) }
  }

  /** Lets leases go on. */
  async renew(held: readonly Held[], leaseMs: number, timeout: number): Promise<void> {
    const renewals = byShard(held).map(([shard, items]) => {
      const requests = items.map(({ key, token }) => ({ key, token, ms: leaseMs }))
      return shard.renew(requests, timeout)
    })
    await Promise.all(renewals)
  }

  /** Gives leases back, where they were taken. */
  async release(held: readonly Held[], timeout: number): Promise<void> {
    await Promise.all(byShard(held).map(([shard, items]) => shard.release(items, timeout)))
  }

  /** A token that no other lease has. */
  newToken(): Uint8Array {
    const { stamps } = this.#context
    return newVersion(stamps.now(), stamps.writer)
  }
}

function byShard(held: readonly Held[]): [Shard, Held[]][] {
  const groups = new Map<Shard, Held[]>()
  for (const one of held) {
    const group = groups.get(one.shard)
    if (group) group.push(one)
    else groups.set(one.shard, [one])
  }
  return [...groups]
}
