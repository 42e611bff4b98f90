import { checkFunction, checkIterable, checkOptions } from './base/check.ts'
import { KeyError, quote } from './base/errors.ts'
import { LOAD } from './call-options.ts'
import type { CacheFace } from './face.ts'
import type { LoadOptions, Wrapped, WrappedMany, WrapManyOptions, WrapOptions } from './types.ts'

/** What a wrapped function needs of its cache. */
type Face = Pick<CacheFace<unknown>, 'getOrLoad' | 'getOrLoadMany' | 'delete' | 'deleteMany'>

/** The face to use: that of the view, or with a schema of its own. */
export type FaceWith = (schema: unknown) => Face

const OPTIONS: readonly string[] = ['key', 'schema', ...LOAD.filter((name) => name !== 'signal' && name !== 'cache')]

/** Puts a cache in front of a function. */
export function wrapFunction<A extends unknown[], R, T = Awaited<R>>(
  faceWith: FaceWith,
  run: (...args: A) => R,
  options: WrapOptions<A, T>,
): Wrapped<A, T> {
  checkFunction(run, 'the function to wrap')
  const { face, key, use, refresh } = checkWrap(faceWith, options)
  const keyFor = (...args: A): string => checkedKey((key as (...given: A) => unknown)(...args))
  const load = async (args: A, how: LoadOptions): Promise<Awaited<T>> =>
    face.getOrLoad<Awaited<T>>(keyFor(...args), () => run(...args) as Awaited<T>, how)
  return Object.assign((...args: A) => load(args, use), {
    invalidate: async (...args: A) => face.delete(keyFor(...args)),
    refresh: (...args: A) => load(args, refresh),
    keyFor,
  })
}

/** Puts a cache in front of a function of many arguments. */
export function wrapManyFunction<A, T>(
  faceWith: FaceWith,
  run: (missing: A[]) => unknown,
  options: WrapManyOptions<A, T>,
): WrappedMany<A, T> {
  checkFunction(run, 'the function to wrap')
  const { face, key, use, refresh } = checkWrap(faceWith, options)
  const keyFor = (arg: A): string => checkedKey((key as (given: A) => unknown)(arg))
  const load = async (args: Iterable<A>, how: LoadOptions): Promise<Map<A, T>> => {
    const keys = keysOf(args, keyFor)
    const first = new Map<string, A>()
    for (const [arg, name] of keys) if (!first.has(name)) first.set(name, arg)
    const runMissing = async (missing: string[]): Promise<Iterable<readonly [string, T]>> =>
      byKey(await run(missing.map((name) => first.get(name) as A)), keyFor)
    return spread(keys, await face.getOrLoadMany<T>(first.keys(), runMissing, how))
  }
  return Object.assign((args: Iterable<A>) => load(args, use), {
    async invalidate(args: Iterable<A>) {
      const keys = keysOf(args, keyFor)
      return spread(keys, await face.deleteMany(keys.values()))
    },
    refresh: (args: Iterable<A>) => load(args, refresh),
    keyFor,
  })
}

/** Checks the options that all kinds of wrapped functions have. */
function checkWrap(
  faceWith: FaceWith,
  options: unknown,
): { face: Face; key: (...args: never[]) => unknown; use: LoadOptions; refresh: LoadOptions } {
  const { key, schema, ...use } = checkOptions(options, 'wrap options', OPTIONS)
  const named = checkFunction(key, 'wrap options.key')
  // Frozen options are looked at once, not at each call.
  const refresh = Object.freeze({ ...use, cache: 'refresh' as const })
  return { face: faceWith(schema), key: named, use: Object.freeze(use), refresh }
}

function checkedKey(name: unknown): string {
  if (typeof name === 'string') return name
  throw new KeyError(`the key function of wrap must return a string; given: ${quote(name)}`)
}

function keysOf<A>(args: unknown, keyFor: (arg: A) => string): Map<A, string> {
  const list = checkIterable(args, 'the arguments of a wrapped function of many') as Iterable<A>
  return new Map(Array.from(list, (arg) => [arg, keyFor(arg)]))
}

/** What there is for each argument, in their order. */
function spread<A, T>(keys: ReadonlyMap<A, string>, values: ReadonlyMap<string, T>): Map<A, T> {
  const found = new Map<A, T>()
  for (const [arg, name] of keys) if (values.has(name)) found.set(arg, values.get(name) as T)
  return found
}

/**
 * What the function returned, by key: an argument that it made anew, as rows of a database do, is as good as the one it was
 * given. What is no Map and no list of pairs is left as it is, for the loader's own check to refuse.
 */
function byKey<A, T>(result: unknown, keyFor: (arg: A) => string): Iterable<readonly [string, T]> {
  if (typeof result !== 'object' || result === null || !(Symbol.iterator in result)) return result as never
  return Array.from(result as Iterable<unknown>, (pair) =>
    Array.isArray(pair) && pair.length === 2 ? [keyFor(pair[0] as A), pair[1]] : pair,
  ) as [string, T][]
}
