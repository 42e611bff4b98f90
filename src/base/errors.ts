const BRAND: unique symbol = Symbol.for('sharded-cache.CacheError')

/**
 * The stable codes that a {@link CacheError} carries. Match on the code, never on the message.
 *
 * | code | thrown when |
 * |---|---|
 * | `ERR_OPTION` | an option or argument is missing, unknown, of the wrong type or out of range |
 * | `ERR_URL` | a node's URL has an unknown scheme, an unknown option, or cannot be parsed |
 * | `ERR_CLIENT` | a client object passed in is of a kind that cannot serve as a node |
 * | `ERR_DUPLICATE_ID` | two nodes have one `id` |
 * | `ERR_NO_NODES` | a cache or a ring would be left without nodes |
 * | `ERR_UNKNOWN_NODE` | `removeNode` or `reweight` names an id that is not in the topology |
 * | `ERR_AUTH` | a server refused the user name or the password, or asks for one |
 * | `ERR_KEY` | a key is empty, not a string, or has a lone surrogate |
 * | `ERR_VALUE` | a value cannot be encoded (`undefined`, circular, a `BigInt` in JSON, …) |
 * | `ERR_VALUE_SIZE` | a value is larger than its node can hold |
 * | `ERR_NODE` | a node answered with an error |
 * | `ERR_NODE_DOWN` | a node cannot be reached, or was not asked because it failed a moment ago (its circuit is open) |
 * | `ERR_NODE_TIMEOUT` | a node did not answer within the deadline |
 * | `ERR_NODE_UNREADY` | a node answers that it cannot serve now: it loads its data, runs a long script, or lost its primary |
 * | `ERR_NODE_BUSY` | too many operations wait for one node |
 * | `ERR_LOAD` | the loader failed; `cause` holds its error |
 * | `ERR_LOAD_TIMEOUT` | the loader ran into its hard time-out |
 * | `ERR_LOAD_BUSY` | too many loads wait for their turn; see `maxConcurrentLoads` |
 * | `ERR_LOADER_RESULT` | a loader of many keys returned something other than a Map or `[key, value]` pairs |
 * | `ERR_TIMEOUT` | the caller's own `timeout` passed before there was a value |
 * | `ERR_CLOSED` | the cache was closed |
 */
export type ErrorCode =
  | 'ERR_OPTION'
  | 'ERR_URL'
  | 'ERR_CLIENT'
  | 'ERR_DUPLICATE_ID'
  | 'ERR_NO_NODES'
  | 'ERR_UNKNOWN_NODE'
  | 'ERR_AUTH'
  | 'ERR_KEY'
  | 'ERR_VALUE'
  | 'ERR_VALUE_SIZE'
  | 'ERR_NODE'
  | 'ERR_NODE_DOWN'
  | 'ERR_NODE_TIMEOUT'
  | 'ERR_NODE_UNREADY'
  | 'ERR_NODE_BUSY'
  | 'ERR_LOAD'
  | 'ERR_LOAD_TIMEOUT'
  | 'ERR_LOAD_BUSY'
  | 'ERR_LOADER_RESULT'
  | 'ERR_TIMEOUT'
  | 'ERR_CLOSED'

/**
 * What every error of this package is. Recognise one with {@link isCacheError}, which also works when two copies of the
 * package are loaded; `instanceof` does not.
 *
 * @example
 * try {
 *   await cache.set('', 1)
 * } catch (error) {
 *   if (isCacheError(error, 'ERR_KEY')) console.error(error.message)
 * }
 */
export class CacheError extends Error {
  /** The stable code; see {@link ErrorCode}. */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    Object.defineProperty(this, BRAND, { value: true })
  }

  static {
    this.prototype.name = 'CacheError'
  }
}

/** Something a person must fix in the options or arguments given: `ERR_OPTION`, `ERR_URL`, `ERR_CLIENT`, `ERR_DUPLICATE_ID`, `ERR_NO_NODES`, `ERR_UNKNOWN_NODE`. */
export class OptionError extends CacheError {
  static {
    this.prototype.name = 'OptionError'
  }
}

/** A key that cannot be stored under any name: `ERR_KEY`. */
export class KeyError extends CacheError {
  static {
    this.prototype.name = 'KeyError'
  }
  constructor(message: string) {
    super('ERR_KEY', message)
  }
}

/** A value that cannot be stored: `ERR_VALUE`, `ERR_VALUE_SIZE`. */
export class ValueError extends CacheError {
  static {
    this.prototype.name = 'ValueError'
  }
}

/** Trouble with one server: `ERR_NODE`, `ERR_NODE_DOWN`, `ERR_NODE_TIMEOUT`, `ERR_NODE_UNREADY`, `ERR_NODE_BUSY`, `ERR_AUTH`. */
export class NodeError extends CacheError {
  static {
    this.prototype.name = 'NodeError'
  }
}

/** A load that gave no value: `ERR_LOAD` (with the loader's error as `cause`), `ERR_LOAD_TIMEOUT`, `ERR_LOAD_BUSY`, `ERR_LOADER_RESULT`. */
export class LoadError extends CacheError {
  static {
    this.prototype.name = 'LoadError'
  }
}

/**
 * Tells whether a caught value is an error of this package, and optionally whether it has the given code.
 *
 * @param error whatever was caught
 * @param code the code to ask for; any when left out
 */
export function isCacheError(error: unknown, code?: ErrorCode): error is CacheError {
  const branded = typeof error === 'object' && error !== null && BRAND in error
  return branded && (code === undefined || (error as { code?: unknown }).code === code)
}

/**
 * Renders what was given for an error message: short, on one line, with control characters escaped. A URL's password and
 * a private key are left out, wherever they were given by mistake.
 */
export function quote(given: unknown): string {
  let text: string
  if (typeof given === 'string') text = JSON.stringify(withoutSecrets(given))
  else if (typeof given === 'function') text = `a function`
  else if (Array.isArray(given)) text = `an array of ${given.length}`
  else if (typeof given === 'object' && given !== null)
    text = `an object with the keys ${withoutSecrets(Object.keys(given).join(', ')) || '(none)'}`
  else text = String(given)
  text = text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

function withoutSecrets(given: string): string {
  return (
    given
      // Only the beginning is shown, and a hostile text must not cost more.
      .slice(0, 1_000)
      .replace(/-----BEGIN.*/s, '-----BEGIN…')
      // `//user:password@` and `//password@`.
      .replace(/(:\/\/)([^:/?#@]*)(:.*)?@/s, (_, slashes: string, user: string, password?: string) =>
        password === undefined ? `${slashes}***@` : `${slashes}${user}:***@`,
      )
      // `//:password` and `//user:password`: the host was forgotten.
      .replace(/(:\/\/:)(?!\*{3}@).*/s, '$1***')
      .replace(/(:\/\/[^:/?#@[]+:)(?!\*{3}@|\d{1,5}(?:[/?#]|$)).*/s, '$1***')
  )
}
