/** Both ends of a promise. */
export interface Ends {
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
}

/**
 * The ends of the promise that was last made with {@link takeEnds}. To make a function for each promise, which takes its
 * ends, takes as long as to make the promise.
 */
export const ends: Ends = { resolve: nothing, reject: nothing }

function nothing(): void {}

/** To be given to `new Promise`. */
export function takeEnds(resolve: Ends['resolve'], reject: Ends['reject']): void {
  ends.resolve = resolve
  ends.reject = reject
}

/** To be called when they have been taken over: they would keep the promise, and what it comes to, until the next one is made. */
export function forgetEnds(): void {
  ends.resolve = ends.reject = nothing
}
