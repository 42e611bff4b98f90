import type { Settler } from '../base/caller.ts'
import type { Entry } from '../entry/entry.ts'
import type { Held } from '../tier/leases.ts'
import type { TierWrite } from '../tier/asked.ts'
import type { LoadKey } from './request.ts'

/** One running load of one key, shared by all its callers. */
export class Flight {
  readonly target: LoadKey
  /** True once a delete or a write overtook it: its value goes to those who wait already, and is written nowhere. */
  fenced = false
  /** What may be served, at the moment it is asked, if the load fails or takes long. */
  fallback: (() => Entry | undefined) | undefined
  /** The value that is out of date, for the loader to look at. */
  stale: unknown
  /** The version of what the node has, whatever that is. */
  seen: Uint8Array | undefined
  /** Of the lease under which what is loaded is written. */
  token: Uint8Array | undefined
  /** Whether it takes the lease whoever has it. */
  takesOver = false
  /** The lease itself, and where it was taken. */
  held: Held | undefined
  /** From when to when it waited for its load, or another process's (monotonic): no time of its node's. */
  began: number | undefined
  ended: number | undefined
  /** What was loaded, as a read would give it, and what is written of it. */
  value: unknown
  write: TierWrite | undefined
  /** What its callers got: nothing yet, what the load or somebody else's gave, the fallback, or an error. */
  outcome: 'none' | 'loaded' | 'found' | 'fallback' | 'error' = 'none'
  /** What the load failed with, also when its callers got the fallback. */
  failure: { readonly error: unknown } | undefined
  /** True once its node said that another process had changed the key while this one loaded it. */
  overtaken = false
  /** Who opened it; nobody, when it runs in the background. */
  readonly #opener: Settler | undefined
  #shared: Settler[] | undefined
  #result: unknown
  /** Whether what was loaded is on its way to its node, or has been; and who waits for its end. */
  #filling: 'not yet' | 'now' | 'ended' = 'not yet'
  #filled: (() => void)[] | undefined

  constructor(target: LoadKey, opener: Settler | undefined) {
    this.target = target
    this.#opener = opener
  }

  /** Whether nobody waits for it: its callers were served a value that is still good enough. */
  get background(): boolean {
    return this.#opener === undefined
  }

  /** Settles somebody else as it does its opener. */
  share(settler: Settler): void {
    if (this.outcome === 'none') (this.#shared ??= []).push(settler)
    else this.#tell(settler)
  }

  /**
   * Whether who comes now may share what it comes to. Under a lease, a change that another process has made until now must
   * still be able to show, when what was loaded is written; without one, nothing shows, and it is shared until then.
   */
  get joinable(): boolean {
    if (this.token) return this.outcome === 'none' && this.#filling === 'not yet'
    return this.outcome === 'none' || this.outcome === 'loaded'
  }

  /** Whether its node said nothing of a change that another process had made before what was loaded came to it. */
  get sure(): boolean {
    return this.outcome === 'loaded' && !this.overtaken && !this.fenced
  }

  /** To be told when what was loaded leaves for its node. */
  fillBegins(): void {
    this.#filling = 'now'
  }

  /** To be told when its node took it, or did not. */
  fillEnds(): void {
    this.#filling = 'ended'
    const waiting = this.#filled
    this.#filled = undefined
    if (waiting) for (const tell of waiting) tell()
  }

  /** Resolves once its node took what was loaded, or did not; `undefined` when it does not try. */
  filled(): Promise<void> | undefined {
    if (this.#filling !== 'now') return undefined
    return new Promise((resolve) => (this.#filled ??= []).push(resolve))
  }

  /** How much of the time since `since` (monotonic) it waited for its load, in milliseconds. */
  loading(since: number): number {
    const { began, ended } = this
    return began === undefined || ended === undefined ? 0 : Math.max(0, ended - Math.max(began, since))
  }

  /** Settles it with what its load gave, or with what somebody else wrote meanwhile. */
  resolve(value: unknown, outcome: 'loaded' | 'found' = 'loaded'): void {
    this.#settle(outcome, value)
  }

  /** Settles it with the value that may be served instead, if there is one, while its load goes on. */
  serveFallback(): void {
    const entry = this.outcome === 'none' ? this.fallback?.() : undefined
    if (entry) this.#settle('fallback', entry.value)
  }

  /** Settles it with an error, or with the value that may be served instead. */
  fail(error: unknown): void {
    this.failure ??= { error }
    this.serveFallback()
    this.#settle('error', error)
  }

  #settle(outcome: 'loaded' | 'found' | 'fallback' | 'error', result: unknown): void {
    if (this.outcome !== 'none') return
    this.outcome = outcome
    this.#result = result
    const shared = this.#shared
    this.#shared = undefined
    if (this.#opener) this.#tell(this.#opener)
    if (shared) for (const settler of shared) this.#tell(settler)
  }

  #tell(settler: Settler): void {
    if (this.outcome === 'error') settler.reject(this.#result)
    else settler.resolve(this.#result)
  }
}

/** The flights of one process: at most one per key that can be joined, and one in the background. */
export class Flights {
  readonly #open = new Map<string, Flight>()
  readonly #background = new Map<string, Flight>()

  get size(): number {
    return this.#open.size + this.#background.size
  }

  /** The flight that loads this key for its callers. */
  get(key: string): Flight | undefined {
    return this.#open.get(key)
  }

  /** Opens a flight. One that runs already is superseded: nobody joins it any more, and it writes nothing. */
  open(target: LoadKey, opener: Settler): Flight {
    const { key } = target
    this.#supersede(this.#open, key)
    const flight = new Flight(target, opener)
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
    const flight = new Flight(target, undefined)
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
    for (const flight of all) {
      flight.fallback = undefined
      flight.fail(error)
    }
    return held
  }

  #supersede(flights: Map<string, Flight>, key: string): void {
    if (flights.size === 0) return
    const flight = flights.get(key)
    if (flight === undefined) return
    flight.fenced = true
    flights.delete(key)
  }
}
