import type { Entry } from './entry/entry.ts'
import type { House } from './house.ts'
import { judge, type Freshness } from './loading/freshness.ts'
import type { Found } from './tier/found.ts'
import type { Asker, OneRead } from './tier/one-read.ts'

/** What a caller gets of an entry; of none, for a miss. */
export type Pick<T> = (entry: Entry | undefined, source: string) => T

/** One way to ask for a key, without loading it: for all calls of that kind, so that a call makes nothing of its own for it. */
export class Getter<T> implements Asker {
  readonly pick: Pick<T>
  readonly #house: House
  readonly #freshness: Freshness

  constructor(house: House, pick: Pick<T>, freshness: Freshness) {
    this.pick = pick
    this.#house = house
    this.#freshness = freshness
  }

  found(found: Found, read: OneRead, now: number): void {
    const { pick } = this
    read.resolve(pick(usable(this.#house, read.target.key, found, this.#freshness, now), found.source))
  }
}

/** What was found, if it may be used; counts it. */
export function usable(
  { settings, tally }: House,
  key: string,
  { entry, source, error }: Found,
  freshness: Freshness,
  now: number,
): Entry | undefined {
  if (error && settings.onNodeError === 'throw') throw error
  if (entry && judge(entry, now, settings.random, freshness) !== 'expired') {
    tally.hit(key, source)
    return entry
  }
  tally.miss(key)
  return undefined
}
