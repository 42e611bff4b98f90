import type { Duration } from './base/duration.ts'
import type { StandardSchema } from './entry/schema.ts'
import type { LoadPolicyOptions } from './loading/policy.ts'
import type { ReadPolicy } from './shard/read-policy.ts'

/** What every call takes. */
export interface CallOptions {
  /** Aborting stops the waiting of this caller, which rejects with `signal.reason`. It undoes nothing. */
  signal?: AbortSignal
  /** How long this caller waits at most. Reads past it are misses, writes `'failed'`; `getOrLoad` rejects with `ERR_TIMEOUT`. */
  timeout?: Duration
}

/** What reads take. */
export interface ReadOptions extends CallOptions {
  /** Which servers may answer; the cache's `reads` unless given. */
  reads?: ReadPolicy
  /** `false`: do not look into L1, and leave it as it is. */
  l1?: boolean
}

/** What writes take. */
export interface WriteOptions extends CallOptions {
  /** How long the entry lives; the cache's or the space's `ttl` unless given. Finite. */
  ttl?: Duration
  /** `false`: do not put the value into L1 (an older one is removed from it all the same). */
  l1?: boolean
}

/** What loads take. */
export interface LoadOptions extends ReadOptions, LoadPolicyOptions {
  /** `'use'` (the default): what is cached, else load. `'refresh'`: load, and cache that. `'bypass'`: load, leave the cache alone. */
  cache?: 'use' | 'refresh' | 'bypass'
}

/** What became of a write. */
export interface WriteResult {
  /** Whether the entry is on its node. */
  ok: boolean
  status: 'stored' | 'failed'
}

/** What became of a delete. */
export interface DeleteResult {
  /** Whether no reader of this process will see the entry again. */
  ok: boolean
  /**
   * `deleted`: it was there. `absent`: it certainly was not. `journaled`: the node missed it and will be told. `failed`: the
   * node could not be told; the entry may live until its TTL.
   */
  status: 'deleted' | 'absent' | 'journaled' | 'failed'
}

/** An entry with what is known about it. Times are wall-clock milliseconds since 1970. */
export interface EntryInfo<T> {
  /** `undefined` for a negative entry. */
  value: T | undefined
  /** `negative`: the loader said that there is none. */
  state: 'fresh' | 'stale' | 'negative'
  /** `'l1'`, or the id of the node. */
  source: string
  /** Absent for what is stored raw. */
  writtenAt?: number
  /** Absent for what is stored raw. */
  freshUntil?: number
}

/** Where a key lives, and under which name. */
export interface Explanation {
  /** The key with its space's prefix. */
  key: string
  /** Its name on the node: see `docs/envelope.md`. */
  storedKey: string
  /** The part of the key that decides where it lives. */
  tag: string
  /** XXH32 of the tag: its position on the ring. */
  hash: number
  /** The id of the node that owns it. */
  owner: string
  /** The ids of the others in ring order. */
  fallbacks: string[]
}

/** What a loader is given. */
export interface LoaderContext extends LoaderManyContext {
  /** The key as it was asked for. */
  readonly key: string
  /** The value that is out of date, if one is at hand: for a conditional request, say. `undefined` otherwise. */
  readonly stale: unknown
}

/** What a loader of many keys is given beside the keys. */
export interface LoaderManyContext {
  /** Aborted when the hard time-out passes or the cache is closed: pass it on to the database. */
  readonly signal: AbortSignal
  /** How long what this load returns is fresh, instead of the option `ttl`. To be called before the loader is done. */
  ttl(ttl: Duration): void
  /** What this load returns goes to its callers, and is not cached. */
  skip(): void
}

/** Reads one key from the source of truth; `undefined` says that there is none. */
export type Loader<T> = (context: LoaderContext) => T | PromiseLike<T>

/** Reads many keys from the source of truth: a Map, or `[key, value]` pairs, by the keys it was given. What is left out is not there. */
export type LoaderMany<T> = (missing: string[], context: LoaderManyContext) => Loaded<T> | PromiseLike<Loaded<T>>

/** What a loader of many keys returns. */
export type Loaded<T> = ReadonlyMap<string, T> | Iterable<readonly [string, T]>

/** What `wrap` and `wrapMany` both take: the options of every load, and a schema. `T` is what the schema makes of a result. */
export interface WrapLoadOptions<T = unknown> extends Omit<LoadOptions, 'signal' | 'cache'> {
  /**
   * Checks what comes back from a node or from the function; what does not fit is a miss on a node, and `ERR_LOADER_RESULT`
   * from the function. The view's own schema unless given. L1 holds what was checked when it came in: read and write these
   * keys through this function alone, or give the schema to their space.
   */
  schema?: StandardSchema<T>
}

/** Options of `wrap`: how to name what the function returns, and what every load takes. */
export interface WrapOptions<A extends unknown[], T = unknown> extends WrapLoadOptions<T> {
  /** The key under which the result for these arguments is cached. */
  key: (...args: A) => string
}

/** Options of `wrapMany`. */
export interface WrapManyOptions<A, T = unknown> extends WrapLoadOptions<T> {
  /** The key under which the result for this argument is cached. Two arguments with one key are one. */
  key: (arg: A) => string
}

/** What a function returns that has a schema: what that makes of it, or `undefined` where the function may say "there is none". */
export type Checked<T, R> = T | (undefined extends R ? undefined : never)

/** What a function of many arguments returns: a Map by argument, or `[argument, value]` pairs. What is left out is not there. */
export type LoadedBy<A, R> = ReadonlyMap<A, R> | Iterable<readonly [A, R]>

/** A function with a cache in front of it. */
export interface Wrapped<A extends unknown[], R> {
  /** The cached result for these arguments, else what the function returns. */
  (...args: A): Promise<Awaited<R>>
  /** Removes the cached result for these arguments. */
  invalidate(...args: A): Promise<DeleteResult>
  /** Calls the function whatever is cached, and caches what it returns. */
  refresh(...args: A): Promise<Awaited<R>>
  /** The key for these arguments. */
  keyFor(...args: A): string
}

/** A function of many arguments with a cache in front of it. Maps are by argument, in the order of the arguments. */
export interface WrappedMany<A, R> {
  /** The results for these arguments: what is cached, and what the function returns for the others. */
  (args: Iterable<A>): Promise<Map<A, R>>
  /** Removes the cached results for these arguments. */
  invalidate(args: Iterable<A>): Promise<Map<A, DeleteResult>>
  /** Calls the function for all of these arguments whatever is cached, and caches what it returns. */
  refresh(args: Iterable<A>): Promise<Map<A, R>>
  /** The key for one argument. */
  keyFor(arg: A): string
}
