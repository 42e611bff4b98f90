import { OptionError, quote } from '../base/errors.ts'
import { ResettingConnector } from './connector.ts'
import { readRows } from './reader.ts'
import type { RedisTlsOptions } from './tls.ts'
import { addressOf } from './url.ts'

/**
 * A client of the `ioredis` package (5.11 or later, or 6) that the application already has: `new Redis(…)`, connected or
 * not; also one that goes through Sentinel. Not a `Cluster`, not a subscriber, not a pipeline.
 *
 * It stays the application's: it is never closed, reset or reconfigured here. Listeners are added for `connect`, `ready`,
 * `close`, `end` and `error` while the cache runs; with the last, ioredis no longer prints "Unhandled error event".
 *
 * Its settings go on to hold, and may weaken what a URL gives:
 * - with `autoResendUnfulfilledCommands` (on by default), a write that failed because the connection broke is sent again
 *   by the client later;
 * - without `socketTimeout`, commands to a server that hangs pile up in the client, although the cache's calls settle;
 * - without a `retryStrategy` capped low, a server that comes back is noticed late;
 * - it ends connections in the ordinary way, so that a write that was given up may still arrive later;
 * - after a reply that fits no command it is not reset: its node serves nothing until the replies are right again.
 *
 * A `keyPrefix` is respected. Its database must not be changed with `select` while the cache runs.
 */
export interface RedisClient {
  /** `wait`, `connecting`, `connect`, `ready`, `reconnecting`, `end`, … */
  readonly status: string
  /** Connects, when `status` is `wait` or `end`. */
  connect(): Promise<void>
  /** GET, as bytes. */
  getBuffer(key: string): Promise<Uint8Array | null>
  /** Starts a row of commands that are sent as one. */
  pipeline(): object
}

/** What a script is given. */
export type Argument = Buffer | string | number

/** What leases take, alone and in a pipeline. Replies are bytes. */
export interface LeaseCommands {
  setBuffer(...args: readonly Argument[]): unknown
  evalBuffer(...args: readonly Argument[]): unknown
  evalshaBuffer(...args: readonly Argument[]): unknown
}

/** A row of commands sent as one. */
export interface Pipeline extends LeaseCommands {
  getBuffer(key: string): unknown
  set(key: string, value: Buffer, unit: 'PX', ttl: number): unknown
  del(key: string): unknown
  exec(): Promise<unknown>
}

/** What is used of an ioredis client, of either major version. */
export interface Client extends RedisClient, LeaseCommands {
  readonly options: {
    host?: string
    port?: number
    path?: string
    db?: number
    username?: string | null
    name?: string
    stringNumbers?: boolean
  }
  /** @param reconnect whether to connect again, by the retry strategy */
  disconnect(reconnect?: boolean): void
  quit(): Promise<unknown>
  select(db: number): Promise<unknown>
  info(section?: 'replication'): Promise<unknown>
  mgetBuffer(keys: readonly string[]): Promise<unknown>
  set(key: string, value: Buffer, unit: 'PX', ttl: number): Promise<unknown>
  del(key: string): Promise<unknown>
  eval(script: string, keys: number, key: string, value: Buffer): Promise<unknown>
  pipeline(): Pipeline
  on(event: string, listener: (error: unknown) => void): unknown
  off(event: string, listener: (error: unknown) => void): unknown
}

/** The constructor of an ioredis client, of either major version. */
export type RedisConstructor = new (options: object) => object

/** All that a connection of our own depends on. */
export interface ConnectionSettings {
  readonly host: string
  readonly port: number
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  /** Absent: plain text. */
  readonly tls: RedisTlsOptions | undefined
  readonly connectTimeout: number
}

const METHODS = ['connect', 'getBuffer', 'mgetBuffer', 'set', 'del', 'eval', 'info', 'pipeline', 'on', 'off'] as const

/** Whether something is meant to be a client, usable or not: so that the right error can be given. */
export function looksLikeClient(given: unknown): given is object {
  return typeof given === 'object' && given !== null && ('getBuffer' in given || 'isCluster' in given)
}

/**
 * Refuses what cannot serve as a client.
 *
 * @throws OptionError `ERR_CLIENT`
 */
export function checkClient(given: unknown): Client {
  const refuse = (why: string): OptionError => new OptionError('ERR_CLIENT', why)
  if (typeof given !== 'object' || given === null) {
    throw refuse(`a redis:// URL or an ioredis client is needed; given: ${quote(given)}`)
  }
  const client = given as Partial<Record<string, unknown>>
  if (client['isPipeline'] === true) throw refuse('a pipeline cannot serve as a node: pass the client itself')
  if (client['isCluster'] === true) {
    throw refuse('an ioredis Cluster cannot serve as a node: it shards by itself. Pass one client or URL per server')
  }
  const missing = METHODS.filter((method) => typeof client[method] !== 'function')
  if (missing.length > 0 || typeof client['status'] !== 'string') {
    throw refuse(`not an ioredis client (no ${missing.join(', ') || 'status'}): a redis:// URL or a client is needed`)
  }
  if (client['mode'] === 'subscriber' || client['mode'] === 'monitor') {
    throw refuse(
      `a client in ${String(client['mode'])} mode serves no other commands: pass one of its own to the cache`,
    )
  }
  return given as Client
}

/** Whether a client has what leases take, which one that stands in for ioredis may lack. */
export function hasLeaseCommands(client: Client): boolean {
  return [client.setBuffer, client.evalBuffer, client.evalshaBuffer].every((method) => typeof method === 'function')
}

/** Where a client connects to, for people. */
export function clientAddress({ options }: Client): string {
  if ('sentinels' in options && Array.isArray(options.sentinels)) return `sentinel:${options.name ?? ''}`
  return options.path ?? addressOf(options.host ?? 'localhost', options.port ?? 6379)
}

/**
 * Makes a client of our own, without connecting. These settings held under every fault tried: nothing is queued or sent
 * again, and whatever is under way settles when the connection ends. What hangs is dropped by the link.
 *
 * @param retryDelay how long to wait before the next attempt to connect, in milliseconds
 * @param broken called when a reply belongs to no command, or is not one to its command
 */
export function openClient(
  Redis: RedisConstructor,
  settings: ConnectionSettings,
  retryDelay: () => number,
  broken: () => void,
): Client {
  const { connectTimeout: _, tls, ...place } = settings
  const client = new Redis({
    ...place,
    ...(tls === undefined ? {} : { tls }),
    Connector: ResettingConnector,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    keepAlive: 10_000,
    enableAutoPipelining: false,
    // Who the server is, we ask ourselves; and CLIENT is one more permission.
    enableReadyCheck: false,
    disableClientInfo: true,
    // The same bytes on the wire from both major versions. RESP3 gives this adapter nothing.
    protocol: 2,
    retryStrategy: retryDelay,
  })
  readRows(client, broken)
  return client as Client
}
