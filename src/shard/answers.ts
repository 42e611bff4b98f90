import type { SliceOutcome } from '../node/slices.ts'
import type { Guard } from '../node/guard.ts'

/** Which server gave an answer, and over which of its connections. */
export interface Source {
  readonly guard: Guard
  /** See `Guard.replace`. */
  readonly generation: number
}

/** What a read of some keys came to, by their places. */
export class Answers {
  readonly outcomes: SliceOutcome[]
  /** Of all, as nearly always; or of each, once they differ. */
  readonly #source: Source | undefined
  #sources: (Source | undefined)[] | undefined

  /** @param source who gave them; `undefined` when no server was asked */
  constructor(outcomes: SliceOutcome[], source: Source | undefined) {
    this.outcomes = outcomes
    this.#source = source
  }

  /** Who gave an answer; `undefined` when no server was asked. */
  sourceOf(at: number): Source | undefined {
    return this.#sources === undefined ? this.#source : this.#sources[at]
  }

  /** Puts others in their places, `places` saying where. */
  put(places: readonly number[], others: Answers): void {
    this.#sources ??= this.outcomes.map(() => this.#source)
    for (const [i, at] of places.entries()) {
      this.outcomes[at] = others.outcomes[i]
      this.#sources[at] = others.sourceOf(i)
    }
  }
}

/** Of so many keys that no server was asked for: misses. */
export function noAnswers(keys: number): Answers {
  return new Answers(
    Array.from({ length: keys }, () => undefined),
    undefined,
  )
}
