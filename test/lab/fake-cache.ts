import type { DeleteResult, Loader, WriteResult } from '../../src/types.ts'
import type { Value } from './truth.ts'
import type { Watchable } from './watch.ts'

/** A cache in memory that can be made to lie, to see whether the oracle finds out. */
export class FakeCache implements Watchable {
  readonly store: Map<string, Value> = new Map()
  /** Comes before each call. */
  before: () => Promise<void> = () => Promise.resolve()
  /** What a read gives for what is stored. */
  gives: (value: Value | undefined) => unknown = (value) => value
  /** What becomes of writes and deletes: done, or not; and what is said. */
  writes: { done: boolean; status: WriteResult['status'] } = { done: true, status: 'stored' }
  deletes: { done: boolean; status: DeleteResult['status'] } = { done: true, status: 'deleted' }
  /** One load per key at a time. */
  single = true
  readonly #flights = new Map<string, { readonly value: Promise<Value> }>()

  async get<T extends Value>(key: string): Promise<T | undefined> {
    await this.before()
    return this.gives(this.store.get(key)) as T | undefined
  }

  async getMany<T extends Value>(keys: Iterable<string>): Promise<Map<string, T>> {
    await this.before()
    const found = [...keys].map((key) => [key, this.gives(this.store.get(key))] as [string, T])
    return new Map(found.filter(([, value]) => value !== undefined))
  }

  async getOrLoad<T extends Value | undefined>(key: string, load: Loader<T>): Promise<T> {
    await this.before()
    const stored = this.gives(this.store.get(key))
    if (stored !== undefined) return stored as T
    const running = this.single ? this.#flights.get(key) : undefined
    return (running ?? this.#open(key, load as Loader<Value>)).value as Promise<T>
  }

  async set(key: string, value: Value): Promise<WriteResult> {
    await this.before()
    const { done, status } = this.writes
    this.#flights.delete(key)
    if (done) this.store.set(key, value)
    return { ok: status === 'stored', status }
  }

  async delete(key: string): Promise<DeleteResult> {
    await this.before()
    const { done, status } = this.deletes
    this.#flights.delete(key)
    if (done) this.store.delete(key)
    return { ok: status !== 'failed', status }
  }

  #open(key: string, load: Loader<Value>): { readonly value: Promise<Value> } {
    const flight = {
      value: Promise.resolve(
        load({ key, signal: new AbortController().signal, stale: undefined, ttl() {}, skip() {} }),
      ),
    }
    this.#flights.set(key, flight)
    // A change takes the flight away: what it overtook is not stored.
    const land = (value?: Value): void => {
      if (this.#flights.get(key) !== flight) return
      this.#flights.delete(key)
      if (value) this.store.set(key, value)
    }
    flight.value.then(land, () => land())
    return flight
  }
}
