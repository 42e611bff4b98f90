/** What the caches of a test hold: which key it is for, and the number of the change that made it. */
export interface Value {
  readonly key: string
  readonly seq: number
  /** Makes it larger. */
  readonly pad?: string
}

/** How the loaders of a {@link Truth} behave. */
export interface LoaderBehaviour {
  /** How long a load takes, in milliseconds; 0 unless given. */
  ms?: number
  /** Whether loads throw. */
  fail?: boolean
}

/** What loaders did. */
export interface LoaderCounts {
  calls: number
  failures: number
  /** The most calls for one key. */
  mostForOneKey: number
  /** Calls for a key whose load was under way, with no change of the key to overtake it: one flight should have served both. */
  duplicates: number
}

/** What a loader throws. */
export class TruthError extends Error {
  constructor() {
    super('the source of truth cannot be read')
  }
}

interface Running {
  overtaken: boolean
}

/** The source of truth: each key with the number of its newest change. Stands for the application's database. */
export class Truth {
  readonly counts: LoaderCounts = { calls: 0, failures: 0, mostForOneKey: 0, duplicates: 0 }
  readonly #rows = new Map<string, number>()
  readonly #running = new Map<string, Set<Running>>()
  readonly #loads = new Map<string, number>()
  readonly #pad: string
  #behaviour: Required<LoaderBehaviour> = { ms: 0, fail: false }
  #longest = 0
  #seq = 0

  /** @param pad bytes added to each value */
  constructor(pad = 0) {
    this.#pad = 'x'.repeat(pad)
  }

  /** The longest that a load was told to take, so far, in milliseconds. */
  get longest(): number {
    return this.#longest
  }

  /** The number of a key's newest change; 0 when it was never changed. */
  seq(key: string): number {
    return this.#rows.get(key) ?? 0
  }

  value(key: string, seq: number = this.seq(key)): Value {
    return this.#pad === '' ? { key, seq } : { key, seq, pad: this.#pad }
  }

  /** Commits a change: a number higher than all before it. */
  change(key: string): number {
    this.#rows.set(key, ++this.#seq)
    return this.#seq
  }

  /** A change of this key (all, unless given) is told to the cache, or has been: loads under way need not be shared. */
  overtake(key?: string): void {
    for (const [name, running] of this.#running) {
      if (key === undefined || key === name) for (const load of running) load.overtaken = true
    }
  }

  behave(behaviour: LoaderBehaviour): void {
    this.#behaviour = { ms: 0, fail: false, ...behaviour }
    this.#longest = Math.max(this.#longest, this.#behaviour.ms)
  }

  /** Reads a key the way a loader does: the row is read first, what takes its time is the way back. */
  async load(key: string): Promise<Value> {
    const { ms, fail } = this.#behaviour
    const value = this.value(key)
    const running = this.#running.get(key) ?? new Set()
    this.#running.set(key, running)
    this.counts.calls++
    if ([...running].some(({ overtaken }) => !overtaken)) this.counts.duplicates++
    const calls = (this.#loads.get(key) ?? 0) + 1
    this.#loads.set(key, calls)
    this.counts.mostForOneKey = Math.max(this.counts.mostForOneKey, calls)
    const self: Running = { overtaken: false }
    running.add(self)
    try {
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
      if (fail) {
        this.counts.failures++
        throw new TruthError()
      }
      return value
    } finally {
      running.delete(self)
    }
  }
}
