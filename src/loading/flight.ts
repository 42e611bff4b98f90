import type { LoadKey } from './request.ts'

/** One running load of one key, shared by all its callers. */
export class Flight {
  readonly target: LoadKey
  readonly promise: Promise<unknown>
  /** True once a delete or a write overtook it: its value goes to those who wait already, and is written nowhere. */
  fenced = false
  resolve!: (value: unknown) => void
  reject!: (error: unknown) => void

  constructor(target: LoadKey) {
    this.target = target
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}

/** The flights of one process: at most one per key that can be joined. */
export class Flights {
  readonly #open = new Map<string, Flight>()

  get size(): number {
    return this.#open.size
  }

  /** The flight of this key that a caller may join. */
  get(key: string): Flight | undefined {
    return this.#open.get(key)
  }

  /** Opens a flight. One that runs already is superseded: nobody joins it any more, and it writes nothing. */
  open(target: LoadKey): Flight {
    const { key } = target
    this.fence(key)
    const flight = new Flight(target)
    this.#open.set(key, flight)
    return flight
  }

  /** Voids the key's flight. Called when a delete or a write of the key begins, and again when it has settled. */
  fence(key: string): void {
    const flight = this.#open.get(key)
    if (flight === undefined) return
    flight.fenced = true
    this.#open.delete(key)
  }

  /** Closes a flight, when it is still the one of its key. */
  done(flight: Flight): void {
    const { key } = flight.target
    if (this.#open.get(key) === flight) this.#open.delete(key)
  }

  /** Closes a flight with an error. */
  fail(flight: Flight, error: unknown): void {
    this.done(flight)
    flight.reject(error)
  }

  /** Ends all flights with an error. */
  abandon(error: Error): void {
    for (const flight of this.#open.values()) {
      flight.fenced = true
      flight.reject(error)
    }
    this.#open.clear()
  }
}
