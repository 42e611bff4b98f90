import type { Form } from '../entry/form.ts'
import type { TierKey } from '../tier/key.ts'
import type { TierRead } from '../tier/asked.ts'
import type { LoadPolicy } from './policy.ts'

/** How a load goes: what the call that opens a flight says rules the flight. */
export interface LoadRequest {
  readonly form: Form
  /** How the nodes are read. */
  readonly read: TierRead
  readonly l1: boolean
  /** `use`: what is cached, else load. `refresh`: load, and cache that. `bypass`: load, and leave the cache alone. */
  readonly mode: 'use' | 'refresh' | 'bypass'
  readonly policy: LoadPolicy
  /** Whether a node's trouble rejects the load instead of being loaded around. */
  readonly strict: boolean
}

/** A key to load, and the name by which the user's loader knows it. */
export interface LoadKey extends TierKey {
  readonly name: string
}
