import { loadHash, ring } from 'sharded-cache'
import type { Contender } from '../kit/contender.ts'
import type { Server } from '../kit/loading-cache.ts'
import type { Case } from './cases.ts'

/** A client at work. */
export interface Client {
  get(key: string): Promise<unknown>
  set(key: string, value: string): Promise<unknown>
  getMany(keys: readonly string[]): Promise<unknown>
  close(): unknown
}

/** One way to reach the servers, used as its documentation says. */
export interface ThroughputContender extends Contender {
  readonly kind: Case['kind'] | 'both'
  /** It is given the masters of a Redis Cluster. */
  readonly cluster?: true
  /** Whether it takes part in a case of its kind; in all unless given. */
  takes?(one: Case): boolean
  open(servers: readonly Server[], kind: Case['kind']): Promise<Client> | Client
}

/** How long what is written lives, in milliseconds. */
export const TTL = 3_600_000

/** The name of a node of this library; the plain clients are routed by the same names. */
export function idOf(i: number): string {
  return `n${i}`
}

/** Several plain clients, as one would route them by hand: by the same ring. */
export async function routeBy<C>(clients: readonly C[]): Promise<(key: string) => C> {
  if (clients.length === 1) return () => clients[0] as C
  const { ownerOf } = ring(
    clients.map((_, i) => ({ id: idOf(i) })),
    { hash: await loadHash() },
  )
  return (key) => clients[ownerOf(key)] as C
}
