import type { LeaseOutcome } from '../node/atomic.ts'
import type { WriteItem } from '../node/contract.ts'
import type { SliceOutcome } from '../node/slices.ts'
import type { Source } from '../shard/answers.ts'
import type { Shard } from '../shard/shard.ts'
import type { Detour } from './ejector.ts'
import type { Topology } from './topology.ts'

/** A key that has an owner. */
export interface PlacedKey {
  /** The key whose hash tag decides where it lives. */
  readonly key: string
  /** Where it lies on every ring, as a signed 32-bit integer: `undefined` until that was asked. A miss asks eight times. */
  position: number | undefined
}

/** A key on its way to a node. */
export interface RoutedKey extends PlacedKey {
  /** The name under which it is stored there. */
  readonly stored: string
}

/** Where a key goes. */
export interface Route {
  readonly topology: Topology
  readonly owner: Shard
  /** The owner, or the one that stands in for it. */
  readonly shard: Shard
  readonly detour: Detour | undefined
}

/** What a read of one key came to. */
export interface Routed {
  readonly outcome: SliceOutcome
  /** Who gave it; `undefined` when no server was asked. */
  readonly source: Source | undefined
  readonly route: Route
}

/** The same, of a read of many. */
export class RoutedRead implements Routed {
  readonly outcome: SliceOutcome
  readonly source: Source | undefined
  readonly route: Route

  constructor(outcome: SliceOutcome, source: Source | undefined, route: Route) {
    this.outcome = outcome
    this.source = source
    this.route = route
  }
}

/** An entry on its way to a node. */
export interface RoutedWrite extends RoutedKey, Omit<WriteItem, 'key'> {
  /** Of the lease under which it is written; `undefined` for a write that overwrites whatever is there. */
  readonly token: Uint8Array | undefined
}

/** What taking the lease on one key came to. */
export interface RoutedLease {
  readonly outcome: LeaseOutcome
  readonly source: Source
  readonly route: Route
}
