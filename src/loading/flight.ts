import type { Entry } from '../entry/form.ts'
import type { Held } from '../tier/leases.ts'
import type { LoadKey } from './request.ts'

/** One running load of one key, shared by all its callers. */
export class Flight {
  readonly target: LoadKey
  readonly promise: Promise<unknown>
  /** Whether nobody waits for it: its callers were served a value that is still good enough. */
  readonly background: boolean
  /** True once a delete or a write overtook it: its value goes to those who wait already, and is written nowhere. */
  fenced = false
  /** What may be served, at the moment it is asked, if the load fails or takes long. */
  fallback: (() => Entry | undefined) | undefined
  /** The value that is out of date, for the loader to look at. */
  stale: unknown
  /** Whether L1's entry, which is the node's, was found to be loaded anew early. */
  early = false
  /** The version of what the node has, whatever that is. */
  seen: Uint8Array | undefined
  /** Of the lease under which what is loaded is written. */
  token: Uint8Array | undefined
  /** Whether it takes the lease whoever has it. */
  takesOver = false
  /** The lease itself, and where it was taken. */
  held: Held | undefined
  /** Settles once its node took what was loaded, or did not; never rejects. */
  written: Promise<void> | undefined
  /** True once its node said that another process had changed the key while this one loaded it. */
  overtaken = false
  resolve!: (value: unknown) => void
  reject!: (error: unknown) => void

  constructor(target: LoadKey, background: boolean) {
    this.target = target
    this.background = background
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  /**
   * For a caller who comes while it runs. A change that another process made meanwhile shows when what was loaded is
   * written: who opened the flight had asked before it, but who joined may have asked after it, and asks again.
   */
  join(again: () => Promise<unknown>): Promise<unknown> {
    if (!this.token) return this.promise
    return this.promise.then(async (value) => {
      await this.written
      // One that was fenced is not written, so that nothing shows.
      return this.overtaken || this.fenced ? again() : value
    })
  }

  /** Settles it with an error, or with the value that may be served instead. */
  fail(error: unknown): void {
    const entry = this.fallback?.()
    if (entry) this.resolve(entry.value)
    else this.reject(error)
  }
}

/** The flights of one process: at most one per key that can be joined, and one in the background. */
export class Flights {
  readonly #open = new Map<string, Flight>()
  readonly #background = new Map<string, Flight>()

  get size(): number {
    return this.#open.size + this.#background.size
  }

  /** The flight of this key that a caller may join. */
  get(key: string): Flight | undefined {
    return this.#open.get(key)
  }

  /** Opens a flight. One that runs already is superseded: nobody joins it any more, and it writes nothing. */
  open(target: LoadKey): Flight {
    const { key } = target
    this.#supersede(this.#open, key)
    const flight = new Flight(target, false)
    this.#open.set(key, flight)
    return flight
  }

  /** The flight that loads this key in the background. */
  inBackground(key: string): Flight | undefined {
    return this.#background.get(key)
  }

  /** Whether a flight of this key has its lease. */
  holds(key: string): boolean {
    return this.#open.get(key)?.held !== undefined || this.#background.get(key)?.held !== undefined
  }

  /** Opens a flight in the background; its failure is nobody's. */
  openInBackground(target: LoadKey): Flight {
    const flight = new Flight(target, true)
    flight.promise.catch(() => {})
    this.#background.set(target.key, flight)
    return flight
  }

  /** Voids the key's flights. Called when a delete or a write of the key begins, and again when it has settled. */
  fence(key: string): void {
    this.#supersede(this.#open, key)
    this.#supersede(this.#background, key)
  }

  /** Voids all flights: keys have moved. Returns the leases that they held. */
  fenceAll(): Held[] {
    const all = [...this.#open.values(), ...this.#background.values()]
    const held = all.flatMap((flight) => flight.held ?? [])
    for (const flight of all) {
      flight.fenced = true
      flight.token = flight.held = undefined
    }
    this.#open.clear()
    this.#background.clear()
    return held
  }

  /** Closes a flight, when it is still the one of its key. */
  done(flight: Flight): void {
    const flights = flight.background ? this.#background : this.#open
    const { key } = flight.target
    if (flights.get(key) === flight) flights.delete(key)
  }

  /** Closes a flight with an error. */
  fail(flight: Flight, error: unknown): void {
    this.done(flight)
    flight.fail(error)
  }

  /** Ends all flights with an error. Returns the leases that they held. */
  abandon(error: Error): Held[] {
    const all = [...this.#open.values(), ...this.#background.values()]
    const held = this.fenceAll()
    for (const flight of all) flight.reject(error)
    return held
  }

  #supersede(flights: Map<string, Flight>, key: string): void {
    const flight = flights.get(key)
    if (flight === undefined) return
    flight.fenced = true
    flights.delete(key)
  }
}
