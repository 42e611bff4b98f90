import { checkFunction, checkOptions } from './base/check.ts'
import { KeyError, quote } from './base/errors.ts'
import type { CacheFace } from './face.ts'
import type { LoadOptions, Wrapped, WrapOptions } from './types.ts'

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
