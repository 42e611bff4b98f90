import { AsyncResource } from 'node:async_hooks'
import { checkFunction } from '../base/check.ts'
import { parseDuration, type Duration } from '../base/duration.ts'
import { LoadError, quote } from '../base/errors.ts'
import type { LoadFunction, OriginRun } from './origin.ts'

/** The user's function, of one key. */
export type OneLoad = (context: object) => unknown

/** The loader of one key. */
export function oneLoader(load: OneLoad): LoadFunction {
  return new OneLoader(load)
}

/** What tools that look at async contexts see of a loader. */
const RESOURCE = 'sharded-cache.load'

/**
 * One object: there is one for each call that waits. It remembers the async context of that call (`AsyncLocalStorage`), and the
 * loader runs in it: whatever comes between is shared with other calls, and would lend it theirs.
 */
class OneLoader extends AsyncResource implements LoadFunction {
  readonly run: OneLoad

  constructor(run: OneLoad) {
    super(RESOURCE)
    this.run = run
  }

  call(names: string[], origin: OriginRun): unknown {
    return this.runInAsyncScope(this.run, undefined, new OneContext(names[0] as string, origin))
  }

  values(result: unknown): readonly unknown[] {
    return [result]
  }
}

/** The loader of many keys. */
export function manyLoader(load: unknown): LoadFunction {
  return new ManyLoader(checkFunction(load, 'the loader') as ManyLoad)
}

type ManyLoad = (missing: string[], context: object) => unknown

/** As {@link OneLoader}. */
class ManyLoader extends AsyncResource implements LoadFunction {
  readonly #run: ManyLoad

  constructor(run: ManyLoad) {
    super(RESOURCE)
    this.#run = run
  }

  call(names: string[], origin: OriginRun): unknown {
    return this.runInAsyncScope(loadMany, undefined, this.#run, names, origin)
  }

  values(result: unknown, names: string[]): readonly unknown[] {
    const loaded = checkLoaded(result, names)
    return names.map((name) => loaded.get(name))
  }
}

async function loadMany(run: ManyLoad, names: string[], origin: OriginRun): Promise<unknown> {
  const result = await run(names, new ManyContext(origin))
  // Pairs are taken out of their iterator here: that is the loader's code too.
  const iterable = typeof result === 'object' && result !== null && Symbol.iterator in result
  return iterable ? [...(result as Iterable<unknown>)] : result
}

/** What a loader of many keys is given beside the keys. */
class ManyContext {
  readonly #origin: OriginRun

  constructor(origin: OriginRun) {
    this.#origin = origin
  }

  get signal(): AbortSignal {
    return this.#origin.signal
  }

  ttl(given: Duration): void {
    this.#origin.ttl = parseDuration(given, 'the ttl of a load')
  }

  skip(): void {
    this.#origin.skipped = true
  }
}

/** What a loader of one key is given. */
class OneContext {
  readonly key: string
  readonly #origin: OriginRun

  constructor(key: string, origin: OriginRun) {
    this.key = key
    this.#origin = origin
  }

  get signal(): AbortSignal {
    return this.#origin.signal
  }

  get stale(): unknown {
    return this.#origin.stale
  }

  ttl(given: Duration): void {
    this.#origin.ttl = parseDuration(given, 'the ttl of a load')
  }

  skip(): void {
    this.#origin.skipped = true
  }
}

/**
 * What a loader of many keys returned, as a Map. It must be a Map or `[key, value]` pairs, and every key in it one that was
 * asked for: rows of a table, a Map by number or a name misspelt would otherwise look like "there is none".
 *
 * @throws LoadError `ERR_LOADER_RESULT`
 */
export function checkLoaded(result: unknown, asked: readonly string[]): Map<string, unknown> {
  if (typeof result !== 'object' || result === null || !(Symbol.iterator in result)) {
    throw wrong(kindOf(result))
  }
  const known = new Set(asked)
  const loaded = new Map<string, unknown>()
  for (const pair of result as Iterable<unknown>) {
    if (!Array.isArray(pair) || pair.length !== 2) throw wrong(`a list that holds ${kindOf(pair)}`)
    const [key, value] = pair as [unknown, unknown]
    if (typeof key !== 'string' || !known.has(key)) {
      throw wrong(`the key ${quote(key)} (${typeof key}), which was not asked for`)
    }
    loaded.set(key, value)
  }
  return loaded
}

function wrong(given: string): LoadError {
  const wanted = 'a Map or [key, value] pairs, by the keys it was given'
  return new LoadError('ERR_LOADER_RESULT', `a loader of many keys must return ${wanted}; it gave ${given}`)
}

/** What something is, without its text or number: that may be a value. */
function kindOf(given: unknown): string {
  return given === null || given === undefined || typeof given === 'object' ? quote(given) : `a ${typeof given}`
}
