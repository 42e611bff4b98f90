import type { Settler } from '../base/caller.ts'
import type { Found } from '../tier/found.ts'
import type { Asker } from '../tier/one-read.ts'
import type { Call } from './join.ts'
import type { LoadFunction } from './origin.ts'
import type { LoadKey, LoadRequest } from './request.ts'

/** Tells who asks for one key what was found. */
export type AnswerOne = (ask: Ask, found: Found, settler: Settler, now: number) => void

/** A caller of one key, until it is answered: one object, since thousands may wait. */
export class Ask implements Call, Asker {
  readonly target: LoadKey
  readonly load: LoadFunction
  readonly request: LoadRequest
  readonly since: number
  readonly loading: number
  readonly again: boolean
  readonly failure: { readonly error: unknown } | undefined
  /** Whether L1 has a value that is to be loaded anew early. */
  early = false
  readonly #answer: AnswerOne

  constructor(answer: AnswerOne, target: LoadKey, { load, request, since, loading, again, failure }: Call) {
    this.#answer = answer
    this.target = target
    this.load = load
    this.request = request
    this.since = since
    this.loading = loading
    this.again = again
    this.failure = failure
  }

  found(found: Found, settler: Settler, now: number): void {
    this.#answer(this, found, settler, now)
  }
}
