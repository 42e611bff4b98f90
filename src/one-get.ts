import type { Settler } from './base/caller.ts'
import type { Entry } from './entry/entry.ts'
import type { House } from './house.ts'
import { judge, type Freshness } from './loading/freshness.ts'
import type { Found } from './tier/found.ts'
import type { Asker } from './tier/one-read.ts'

/** What a caller gets of an entry; of none, for a miss. */
export type Pick<T> = (entry: Entry | undefined, source: string) => T

/** Who asks for one key, and loads nothing. */
export class OneGet<T> implements Asker {
  readonly #house: House
  readonly #key: string
  readonly #freshness: Freshness
  readonly #pick: Pick<T>

  constructor(house: House, key: string, freshness: Freshness, pick: Pick<T>) {
    this.#house = house
    this.#key = key
    this.#freshness = freshness
    this.#pick = pick
  }

  found(found: Found, settler: Settler, now: number): void {
    const pick = this.#pick
    settler.resolve(pick(usable(this.#house, this.#key, found, this.#freshness, now), found.source))
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
