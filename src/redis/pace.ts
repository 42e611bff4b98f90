/** The longest pause between two attempts to connect, in milliseconds; and where the server refuses the login. */
const MAX_RETRY = 250
const REFUSED_RETRY = 1_000
/** The least time between two connections that are dropped and begun again at once. */
const AT_ONCE_PAUSE = 250
/** The least time between two connections that are built anew because of READONLY. */
const READONLY_PAUSE = 1_000

/** How soon a link connects again. */
export class Pace {
  #failures = 0
  #atOnce = -Infinity
  #readonly = -Infinity

  /** A connection serves. */
  succeeded(): void {
    this.#failures = 0
  }

  /** How long to wait before the next attempt, in milliseconds; longer each time. */
  retry(loginRefused: boolean): number {
    const longest = loginRefused ? REFUSED_RETRY : Math.min(MAX_RETRY, 25 * ++this.#failures)
    return Math.ceil(longest * (0.5 + Math.random() / 2))
  }

  /** Whether a connection that was dropped may be begun again without a pause. */
  mayHurry(): boolean {
    const now = performance.now()
    if (now - this.#atOnce < AT_ONCE_PAUSE) return false
    this.#atOnce = now
    return true
  }

  /** Whether READONLY is a reason to connect anew. */
  mayLeaveReplica(): boolean {
    const now = performance.now()
    if (now - this.#readonly < READONLY_PAUSE) return false
    this.#readonly = now
    return true
  }
}
