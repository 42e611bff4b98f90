import { Buffer } from 'node:buffer'

/**
 * What a reply becomes when it is not of the type that its command has. It is then the reply to another command: so is
 * every later one on that connection.
 */
export const UNFIT: unique symbol = Symbol('unfit')

/** Takes a reply for the answer to a certain command, or refuses it. */
export type Fit<T> = (reply: unknown) => T | typeof UNFIT

/** Of GET. */
export const fitValue: Fit<Uint8Array | undefined> = (reply) =>
  reply === null ? undefined : Buffer.isBuffer(reply) ? reply : UNFIT

/**
 * Of MGET with so many keys. The client's list is emptied: V8 puts such lists among the old objects, if a few have waited
 * long, and what they hold then stays until all of those are looked through.
 */
export function fitValues(count: number): Fit<(Uint8Array | undefined)[]> {
  return (reply) => {
    if (!Array.isArray(reply) || reply.length !== count) return UNFIT
    const values: (Uint8Array | undefined)[] = []
    for (const one of reply as unknown[]) {
      const value = fitValue(one)
      if (value === UNFIT) return UNFIT
      values.push(value)
    }
    reply.length = 0
    return values
  }
}

/** Of SET and SELECT: as text, or as the bytes of it. */
export const fitOk: Fit<'stored'> = (reply) => (reply === 'OK' || isOk(reply) ? 'stored' : UNFIT)

function isOk(reply: unknown): boolean {
  return Buffer.isBuffer(reply) && reply.length === 2 && reply[0] === 0x4f && reply[1] === 0x4b
}

/**
 * Of DEL with one key: whether it was there.
 *
 * @param asText whether the client gives numbers as text (ioredis' option `stringNumbers`)
 */
export function fitRemoved(asText: boolean): Fit<boolean> {
  return (reply) => {
    if (reply === 1 || (asText && reply === '1')) return true
    return reply === 0 || (asText && reply === '0') ? false : UNFIT
  }
}

/** Of SET … NX GET: what was there, or `won`. */
export const fitPlaced: Fit<Uint8Array | 'won'> = (reply) => {
  const value = fitValue(reply)
  return value === undefined ? 'won' : value
}

/**
 * Of a script that counts what it gives from 0.
 *
 * @param asText as of {@link fitRemoved}
 */
export function fitOneOf<T>(numbers: readonly T[], asText: boolean): Fit<T> {
  return (reply) => {
    const index = numbers.findIndex((_, number) => reply === number || (asText && reply === `${number}`))
    return index < 0 ? UNFIT : (numbers[index] as T)
  }
}

/** Of INFO. */
export const fitInfo: Fit<string> = (reply) =>
  typeof reply === 'string' && /^(# \w|redis_version:)/m.test(reply) ? reply : UNFIT

/** What each of some commands came to that were sent as one. */
export interface RowReplies<T = unknown> {
  /** By their places; `undefined` where there is an error. */
  readonly replies: (T | undefined)[]
  /** By their places; `undefined` when all went well. */
  readonly errors: ReadonlyMap<number, Error> | undefined
}

/** As {@link Fit}, of one of several commands. */
export type FitOneOf<T> = (reply: unknown, at: number) => T | typeof UNFIT

/** Of a pipeline of so many commands. */
export function fitPipeline<T>(count: number, fit: FitOneOf<T>): Fit<RowReplies<T>> {
  return (given) => {
    if (!Array.isArray(given) || given.length !== count) return UNFIT
    const replies: (T | undefined)[] = []
    let errors: Map<number, Error> | undefined
    for (const [error, raw] of given as readonly (readonly [Error | null, unknown])[]) {
      const at = replies.length
      if (error) (errors ??= new Map()).set(at, error)
      const reply = error ? undefined : fit(raw, at)
      if (reply === UNFIT) return UNFIT
      replies.push(reply)
    }
    return { replies, errors }
  }
}
