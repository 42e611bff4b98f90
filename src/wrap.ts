import { checkFunction, checkOptions } from './base/check.ts'
import { KeyError, quote } from './base/errors.ts'
import type { CacheFace } from './face.ts'
import type { DeleteResult, LoadOptions } from './types.ts'

/** Options of `wrap`: how to name what the function returns, and what every load takes. */
export interface WrapOptions<A extends unknown[]> extends Omit<LoadOptions, 'signal' | 'cache'> {
  /** The key under which the result for these arguments is cached. */
  key: (...args: A) => string
}

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

/** Puts a cache in front of a function. */
export function wrapFunction<A extends unknown[], R>(
  cache: Pick<CacheFace<unknown>, 'getOrLoad' | 'delete'>,
  run: (...args: A) => R,
  options: WrapOptions<A>,
): Wrapped<A, R> {
  checkFunction(run, 'the function to wrap')
  const known = ['key', 'ttl', 'negativeTtl', 'hardTimeout', 'reads', 'l1', 'timeout']
  const { key, ...rest } = checkOptions(options, 'wrap options', known) as unknown as WrapOptions<A>
  checkFunction(key, 'wrap options.key')
  const keyFor = (...args: A): string => {
    const name = key(...args) as unknown
    if (typeof name === 'string') return name
    throw new KeyError(`the key function of wrap must return a string; given: ${quote(name)}`)
  }
  const load = async (args: A, how: LoadOptions): Promise<Awaited<R>> =>
    cache.getOrLoad<Awaited<R>>(keyFor(...args), () => run(...args) as Awaited<R>, how)
  const refreshing: LoadOptions = { ...rest, cache: 'refresh' }
  return Object.assign((...args: A) => load(args, rest), {
    invalidate: async (...args: A) => cache.delete(keyFor(...args)),
    refresh: (...args: A) => load(args, refreshing),
    keyFor,
  })
}
