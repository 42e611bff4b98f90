import type {
  DeleteResult,
  EntryInfo,
  Explanation,
  CallOptions,
  Checked,
  LoadedBy,
  Loader,
  LoaderMany,
  LoadOptions,
  ReadOptions,
  Wrapped,
  WrappedMany,
  WrapManyOptions,
  WrapOptions,
  WriteOptions,
  WriteResult,
} from './types.ts'
import type { WarmOptions, WarmResult } from './warm.ts'

/**
 * What a cache and its spaces do with keys. Values are of type `V` unless a call says otherwise.
 *
 * Keys are non-empty strings without lone surrogates (else `ERR_KEY`); any other key works, whatever its length and
 * characters. A miss is `undefined`; `null` is a value. Trouble with a node never rejects a call (unless the cache was
 * created with `onNodeError: 'throw'`); bad input rejects with `ERR_KEY`, `ERR_VALUE`, `ERR_VALUE_SIZE` or `ERR_OPTION`
 * before anything is sent, and calls after `close()` with `ERR_CLOSED`.
 */
export interface CacheFace<V> {
  /**
   * Reads a value; `undefined` for a miss.
   *
   * @example
   * const user = await cache.get<User>('user:1')
   * await cache.get('stock:7', { reads: 'primary', l1: false }) // what must be fresh
   */
  get<T extends V = V>(key: string, options?: ReadOptions): Promise<T | undefined>

  /**
   * Reads many values: a Map of the hits, in the order of the keys. All nodes are asked at once; a failing one costs only
   * its own keys.
   *
   * @example
   * const users = await cache.getMany<User>(['user:1', 'user:2'])
   */
  getMany<T extends V = V>(keys: Iterable<string>, options?: ReadOptions): Promise<Map<string, T>>

  /** Reads a value with what is known about it: its state, where it came from, and its times. `undefined` for a miss. */
  getEntry<T extends V = V>(key: string, options?: ReadOptions): Promise<EntryInfo<T> | undefined>

  /** Whether there is a value. False for a miss and for a negative entry. */
  has(key: string, options?: ReadOptions): Promise<boolean>

  /**
   * Writes a value to the key's owner, and to L1.
   *
   * @throws ValueError `ERR_VALUE` for `undefined` and what the codec cannot encode; `ERR_VALUE_SIZE` for what the node cannot hold
   * @example
   * const { ok } = await cache.set('user:1', user, { ttl: '1m' })
   */
  set<T extends V = V>(key: string, value: T, options?: WriteOptions): Promise<WriteResult>

  /**
   * Writes many values: pairs, or a Map. Of a key given twice, the last value counts. When one key or value is bad, the
   * call rejects and nothing is written.
   *
   * @example
   * await cache.setMany([['user:1', u1], ['user:2', u2]])
   */
  setMany<T extends V = V>(
    entries: Iterable<readonly [string, T]>,
    options?: WriteOptions,
  ): Promise<Map<string, WriteResult>>

  /**
   * Removes a key. Call it after the source of truth has committed: loads of the key that run in this process then write
   * nothing.
   *
   * @example
   * await db.users.update(1, change)
   * const { ok, status } = await cache.delete('user:1')
   */
  delete(key: string, options?: CallOptions): Promise<DeleteResult>

  /** Removes many keys; one result each. */
  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, DeleteResult>>

  /**
   * Makes an entry out of date from now on: the next load is a new one, and loads that run write nothing. The old value may
   * still be served when that load fails, as `staleIfError` allows; after `delete` it never is. Nodes without leases
   * (memcached) remove it.
   */
  expire(key: string, options?: CallOptions): Promise<DeleteResult>

  /**
   * Reads through: the cached value, or what the loader has, which is then cached. One load per key at a time in this
   * process; all who ask meanwhile share its value or its error. When the node does not answer, the loader does. What a
   * load returns has been through the codec (and the schema), so that a hit and a miss look alike. `cache: 'refresh'`
   * always begins a load of its own, which supersedes one that runs.
   *
   * @param load reads the source of truth; `undefined` says that there is none
   * @throws LoadError `ERR_LOAD` with the loader's error as `cause`; `ERR_LOAD_TIMEOUT` past `hardTimeout`;
   *   `ERR_LOADER_RESULT` when the value does not fit the schema
   * @throws CacheError `ERR_TIMEOUT` past this caller's `timeout`
   * @example
   * const user = await cache.getOrLoad('user:1', ({ signal }) => db.users.find(1, { signal }), { ttl: '5m' })
   */
  getOrLoad<T extends V | undefined = V>(key: string, load: Loader<T>, options?: LoadOptions): Promise<T>

  /**
   * Reads many keys through: one read per node, then one call of the loader with exactly the keys that are missing. Keys
   * of which there is none are left out of the result, which is in the order of the keys.
   *
   * @throws LoadError as `getOrLoad`; `ERR_LOADER_RESULT` when the loader returns neither a Map nor `[key, value]` pairs
   * @example
   * const users = await cache.getOrLoadMany(['user:1', 'user:2'], async (missing) => {
   *   const rows = await db.users.findMany(missing)
   *   return rows.map((row) => [`user:${row.id}`, row])
   * })
   */
  getOrLoadMany<T extends V = V>(
    keys: Iterable<string>,
    load: LoaderMany<T>,
    options?: LoadOptions,
  ): Promise<Map<string, T>>

  /**
   * A function that is the given one with this cache in front of it.
   *
   * @example
   * const findUser = cache.wrap((id: number) => db.users.find(id), { key: (id) => `user:${id}`, ttl: '5m' })
   * await findUser(1)
   * await findUser.invalidate(1)
   * await findUser.refresh(1)
   */
  wrap<A extends unknown[], R extends V | undefined | PromiseLike<V | undefined>, T = Awaited<R>>(
    run: (...args: A) => R,
    options: WrapOptions<A, T>,
  ): Wrapped<A, Checked<T, Awaited<R>>>

  /**
   * The same for a function of many arguments: it is called with exactly those whose results are missing, and returns a
   * Map by argument, or `[argument, value]` pairs.
   *
   * @throws LoadError as `getOrLoadMany`
   * @example
   * const findUsers = cache.wrapMany(
   *   async (ids: number[]) => (await db.users.findMany(ids)).map((user) => [user.id, user] as const),
   *   { key: (id) => `user:${id}`, ttl: '5m' },
   * )
   * const users = await findUsers([1, 2, 3]) // Map<number, User>
   * await findUsers.invalidate([1, 2])
   */
  wrapMany<A, R extends V | undefined, T = R>(
    run: (missing: A[]) => LoadedBy<A, R> | PromiseLike<LoadedBy<A, R>>,
    options: WrapManyOptions<A, T>,
  ): WrappedMany<A, T>

  /**
   * Loads what is missing or stale of many keys, batch by batch, so that the first readers find it. What is fresh on its
   * node is not loaded again: a warm-up that was interrupted goes on where it was when it is run again. L1 is left as it is.
   * An asynchronous iterable is asked for keys only as fast as batches go.
   *
   * A batch that fails is counted, and the warm-up goes on. When ten in a row have failed, or all of them, it rejects with
   * the last error; at once for what the next batch would not do better either (`ERR_KEY`, `ERR_OPTION`, `ERR_CLOSED`).
   *
   * @param load as for `getOrLoadMany`
   * @throws OptionError `ERR_OPTION` before anything is read; LoadError as `getOrLoadMany`
   * @example
   * const load = async (missing: string[]) => {
   *   const rows = await db.users.findMany(missing)
   *   return rows.map((row) => [`user:${row.id}`, row] as const)
   * }
   * const { loaded, skipped, failed } = await cache.warm(keys, load, { rate: 1_000 }) // keys loaded per second
   */
  warm<T extends V = V>(
    keys: Iterable<string> | AsyncIterable<string>,
    load: LoaderMany<T>,
    options?: WarmOptions,
  ): Promise<WarmResult>

  /** What L1 has of a key now, while it is fresh; `undefined` otherwise. Synchronous, asks no node, counts nothing. */
  peek<T extends V = V>(key: string): T | undefined

  /**
   * Where a key lives, and under which name.
   *
   * @example
   * cache.explain('user:1')
   * // { key: 'user:1', storedKey: 'user:1', tag: 'user:1', hash: 2100717921, owner: 'b', fallbacks: ['c', 'a'] }
   */
  explain(key: string): Explanation
}
