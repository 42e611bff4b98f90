/**
 * A bucket of tokens: requests fill it by a share of a token each, retries take a whole one. However badly things go,
 * retries then add no more than that share to the load, beside what the full bucket allows at once.
 *
 * The idea is Finagle's retry budget (https://twitter.github.io/finagle/guide/Clients.html#retries).
 */
export class Budget {
  readonly #share: number
  readonly #most: number
  #tokens: number

  /**
   * @param share tokens per request, 0 to 1
   * @param most the most tokens it holds; it begins full
   */
  constructor(share: number, most: number) {
    this.#share = share
    this.#most = most
    this.#tokens = most
  }

  /** Counts a request. */
  earn(): void {
    if (this.#tokens < this.#most) this.#tokens = Math.min(this.#most, this.#tokens + this.#share)
  }

  /** Takes a token for a retry; false when there is none. */
  take(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
