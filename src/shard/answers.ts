import type { ReadOutcome } from '../node/contract.ts'
import type { Guard } from '../node/guard.ts'

/** Which server gave an answer, and over which of its connections. */
export interface Source {
  readonly guard: Guard
  /** See `Guard.replace`. */
  readonly generation: number
}

/** What a read of some keys came to, by their places. */
export class Answers {
  readonly outcomes: ReadOutcome[]
  /** `undefined` where no server was asked. */
  readonly sources: (Source | undefined)[]

  constructor(outcomes: ReadOutcome[], sources: (Source | undefined)[]) {
    this.outcomes = outcomes
    this.sources = sources
  }
}

/** Of so many keys that no server was asked for: misses. */
export function noAnswers(keys: number): Answers {
  const none = (): undefined[] => Array.from({ length: keys }, () => undefined)
  return new Answers(none(), none())
}
