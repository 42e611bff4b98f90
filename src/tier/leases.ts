import type { NodeError } from '../base/errors.ts'
import { newVersion } from '../entry/envelope.ts'
import { isWrittenBy, leaseUntilIn, packLease, type Form } from '../entry/form.ts'
import { isFailure } from '../node/contract.ts'
import type { Shard } from '../shard/shard.ts'
import { LEASED, type Intake, type IntakeContext } from './intake.ts'
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

/** The leases on nodes: by them one process loads a key while others wait, and a delete is not overtaken. */
export class Leases {
  readonly #context: IntakeContext
  readonly #intake: Intake

  constructor(context: IntakeContext, intake: Intake) {
    this.#context = context
    this.#intake = intake
  }

  /** Whether there is a lease to be had on a key. */
  available(key: string, { format }: Form): boolean {
    const shard = this.#context.router.shardOf(key)
    return format === 'envelope' && shard.responsive && shard.leases
  }

  /** Takes leases for `leaseMs`; one result each, in order. */
  async take(wanted: readonly Wanted[], form: Form, leaseMs: number, timeout: number): Promise<Leased[]> {
    const { router, hash, stamps } = this.#context
    const end = this.#context.clock.monotonic() + timeout
    const now = stamps.now()
    const items = wanted.map(({ target, seen, token }) => {
      const { key, stored, full } = target
      return { key, stored, seen, token, placeholder: packLease(full, token, leaseMs, now, hash), ms: leaseMs }
    })
    const routed = await router.lease(items, timeout)
    const targets = wanted.map(({ target }) => target)
    const read = routed.map(({ outcome, source, route }) => ({
      outcome: outcome instanceof Uint8Array ? outcome : undefined,
      source,
      route,
    }))
    const taken = await this.#intake.accept(targets, read, form, end)
    return routed.map(({ outcome, route }, i) => {
      const { stored, token } = items[i] as (typeof items)[number]
      const held = { key: stored, token, shard: route.shard }
      if (outcome === 'won') return { status: 'won', held }
      if (outcome === 'held') return { status: 'held', own: false, until: undefined }
      if (isFailure(outcome)) return { status: 'failed', error: outcome, held }
      const entry = taken[i]
      if (entry === LEASED) {
        return { status: 'held', own: isWrittenBy(outcome, stamps.writer), until: leaseUntilIn(outcome) }
      }
      return { status: 'found', found: new Found(entry, outcome, route.shard.id, undefined) }
    })
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
