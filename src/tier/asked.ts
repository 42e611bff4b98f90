import type { Form } from '../entry/form.ts'
import type { Payload } from '../entry/payload.ts'
import type { ReadPolicy } from '../shard/read-policy.ts'
import type { TierKey } from './key.ts'

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
  readonly payload: Payload
  /** What a read would give, for L1. */
  readonly value: unknown
  /** How long it is fresh, in milliseconds. */
  readonly ttl: number
  /** How long it is kept beyond that, in milliseconds. */
  readonly window: number
  /** Of the lease under which it is written; `undefined` for a write that overwrites whatever is there. */
  readonly token: Uint8Array | undefined
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
