import type { House } from './house.ts'
import { isFailure } from './node/contract.ts'
import { resultOf } from './prepare.ts'
import type { Writer } from './shard/gathered-writes.ts'
import type { Stored } from './shard/outcomes.ts'
import type { WriteResult } from './types.ts'

/** Who writes one key, and waits for what comes of it: its loads are fenced when that is known. */
export class OneSet implements Writer {
  readonly promise: Promise<WriteResult>
  readonly #house: House
  readonly #key: string
  #resolve!: (result: WriteResult) => void
  #reject!: (error: unknown) => void

  constructor(house: House, key: string) {
    this.#house = house
    this.#key = key
    // Written here, and not once for all: see OneRead.
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  written(outcome: Stored): void {
    const { flights, settings } = this.#house
    flights.fence(this.#key)
    if (isFailure(outcome) && settings.onNodeError === 'throw') this.#reject(outcome)
    else this.#resolve(resultOf(outcome))
  }

  failed(error: unknown): void {
    this.#house.flights.fence(this.#key)
    this.#reject(error)
  }
}
