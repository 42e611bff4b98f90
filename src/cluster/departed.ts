import type { Member } from '../shard/member.ts'

/** How many are told apart. Beyond, every server that joins counts as one that was there before. */
const MOST = 1_000

/** The servers that left. One that joins again holds entries from a time of which it missed the rest: they are void. */
export class Departed {
  readonly #texts = new Set<unknown>()
  readonly #objects = new WeakSet<object>()

  add(members: readonly Member[]): void {
    for (const { spec } of members) {
      if (isObject(spec.fingerprint)) this.#objects.add(spec.fingerprint)
      else if (this.#texts.size < MOST) this.#texts.add(spec.fingerprint)
    }
  }

  /** Makes void what those of `joined` hold that were there before. */
  fence(joined: readonly Member[], now: number): void {
    for (const { spec, guard } of joined) {
      const { fingerprint } = spec
      const back = isObject(fingerprint)
        ? this.#objects.has(fingerprint)
        : this.#texts.has(fingerprint) || this.#texts.size === MOST
      if (back) guard.acquaintance.raise(now)
    }
  }
}

function isObject(fingerprint: unknown): fingerprint is object {
  return (typeof fingerprint === 'object' || typeof fingerprint === 'function') && fingerprint !== null
}
