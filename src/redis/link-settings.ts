import type { NodeError } from '../base/errors.ts'
import type { NodeIdentity } from '../node/contract.ts'
import type { Client } from './client.ts'
import type { Peer } from './errors.ts'

/** How a link comes by its client: it makes one and owns it, or it borrows the application's. */
export type ClientSource =
  | {
      readonly kind: 'own'
      /** The database to be in; checked on every connection. */
      readonly db: number
      open(retryDelay: () => number, broken: () => void): Client
    }
  | { readonly kind: 'borrowed'; readonly client: Client }

/** What a link is about. */
export interface LinkSettings {
  readonly peer: Peer
  /** How long it may take from the beginning of a connection to its first answer, in milliseconds. */
  readonly connectTimeout: number
  /** Told who answers on a connection, each time it was asked, before any command goes through. */
  readonly identified: (identity: NodeIdentity) => void
}

/** What a link's connection is good for. */
export type LinkState =
  | { readonly kind: 'down'; readonly error: NodeError }
  | { readonly kind: 'ready' }
  | { readonly kind: 'closed'; readonly error: NodeError }
