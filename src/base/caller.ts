import type { Deadlines } from './deadlines.ts'

/** How long one caller is willing to wait. */
export interface Patience {
  signal: AbortSignal | undefined
  /** Milliseconds. */
  timeout: number | undefined
}

/** Settles somebody's promise. */
export interface Settler {
  resolve(value: unknown): void
  reject(error: unknown): void
}

/**
 * Settles with `work`, or before it when the caller has had enough: rejects with `signal.reason` on abort, and settles
 * with `late()` when the time-out passes. The work itself goes on; only this caller stops waiting for it.
 *
 * With neither a signal nor a time-out it returns `work` itself, so that it costs nothing.
 */
export function waitFor<T>(work: Promise<T>, patience: Patience, deadlines: Deadlines, late: () => T): Promise<T> {
  const { signal, timeout } = patience
  if (!signal && timeout === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const deadline =
      timeout === undefined
        ? undefined
        : deadlines.set(timeout, () =>
            settle(() => {
              try {
                resolve(late())
              } catch (error) {
                reject(error as Error)
              }
            }),
          )
    const aborted = (): void => settle(() => reject(signal?.reason as Error))
    const settle = (finish: () => void): void => {
      deadline?.cancel()
      signal?.removeEventListener('abort', aborted)
      finish()
    }
    signal?.addEventListener('abort', aborted, { once: true })
    work.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error as Error)),
    )
    if (signal?.aborted) aborted()
  })
}
