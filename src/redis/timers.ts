/** A timer that is set once until it is stopped, and that keeps no process alive. */
export class Watchdog {
  readonly #ms: number
  readonly #bark: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(ms: number, bark: () => void) {
    this.#ms = ms
    this.#bark = bark
  }

  start(): void {
    if (this.#timer) return
    const bark = (): void => {
      if (this.#timer === timer) this.#bark()
    }
    // When this process itself stood still, answers that have long arrived are read only now; they count.
    const timer = setTimeout(() => setImmediate(bark), this.#ms).unref()
    this.#timer = timer
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** Waits for something that may fail or hang. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([work.catch(() => {}), late])
  clearTimeout(timer)
}
