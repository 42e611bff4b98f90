import type { RoutedKey } from '../cluster/routed.ts'
import type { EnvelopeKey } from '../entry/envelope.ts'

/** A key in all its forms. */
export interface TierKey extends RoutedKey, EnvelopeKey {}
