/** Both ends of a promise. */
export interface Ends {
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

/**
 * The ends of the promise that was last made with {@link takeEnds}. To make a function for each promise, which takes its
 * ends, takes as long as to make the promise.
 */
export const ends: Ends = { resolve() {}, reject() {} }

/** To be given to `new Promise`. */
export function takeEnds(resolve: Ends['resolve'], reject: Ends['reject']): void {
  ends.resolve = resolve
  ends.reject = reject
}
