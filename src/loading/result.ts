import { LoadError, quote } from '../base/errors.ts'

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
