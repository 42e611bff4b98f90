import type { RoutedKey } from '../cluster/routed.ts'

/** A key in all its forms. */
export interface TierKey extends RoutedKey {
  /** With the namespace, before any shortening: what the key check covers. */
  readonly full: string
}
