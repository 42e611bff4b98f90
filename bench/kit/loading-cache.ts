import type { Contender } from './contender.ts'

/** A server, as a contender is told of it. */
export interface Server {
  readonly host: string
  readonly port: number
}

/** A cache that reads through, at work. */
export interface LoadingCache {
  getOrLoad(key: string, load: () => Promise<unknown>): Promise<unknown>
  /** Reads and loads nothing. */
  get?(key: string): Promise<unknown>
  /** Looks into the memory of the process, at once. */
  peek?(key: string): unknown
  close(): unknown
}

/** A cache with a tier in the process and, where a server is given, one in Redis; set up as its documentation says. */
export interface LoadingContender extends Contender {
  open(redis?: Server): LoadingCache | Promise<LoadingCache>
}

/** How many entries the tier in the process holds, and for how long, in milliseconds. */
export const L1 = { max: 10_000, ttl: 60_000 }
/** How long entries live, in milliseconds. */
export const TTL = 300_000
