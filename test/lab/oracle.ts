import type { Value } from './truth.ts'

/** A moment: a number in the order of events, and milliseconds for allowances. */
export interface Moment {
  readonly order: number
  readonly at: number
}

/** A write or a delete of one key, told to the cache. */
export interface Change {
  readonly kind: 'set' | 'delete'
  readonly key: string
  readonly seq: number
  readonly begun: Moment
  /** Absent while it is under way. */
  readonly settled?: Moment
  /** What the cache said: `stored`, `failed`, `deleted`, … */
  readonly status?: string
}

/** A read that gave something older than it may be, by the strict rule. */
export interface StaleRead {
  readonly key: string
  /** The number of what was read. */
  readonly seq: number
  readonly begun: Moment
  /** The newest change that it should have seen. */
  readonly missed: Change & { readonly settled: Moment }
}

/** Says whether a read may be stale, in the row of the catalogue that is tested. */
export interface Allowance {
  readonly name: string
  allows(read: StaleRead): boolean
}

/** Reads may lag so many milliseconds behind the changes: replicas. */
export function allowLag(ms: number): Allowance {
  return { name: `lag of ${ms} ms`, allows: ({ begun, missed }) => begun.at - missed.settled.at <= ms }
}

/** What a failed set left behind may be read. */
export function allowAfterFailedSets(): Allowance {
  return { name: 'failed sets', allows: ({ missed }) => missed.kind === 'set' && missed.status === 'failed' }
}

/** How many changes of each key are remembered. */
const REMEMBERED = 1_000
/** How many violations are described. */
const DESCRIBED = 20

type Open = { -readonly [K in keyof Change]: Change[K] }

/**
 * Knows which values a read of a cache may give.
 *
 * - I3: a value is for the key that was asked for, and its number was given to a change of that key.
 * - I4: once a change was acknowledged, no read that begins later gives a value of an older one. Acknowledged are a delete
 *   that says `ok` and every set: `stored`, and also `failed`, since it must not leave the older value readable (whether
 *   the newer one is there is left open). A delete that says `failed` acknowledges nothing. A value that was itself being
 *   set while the change was under way may have come after it, and is right.
 *
 * A miss is always right.
 */
export class Oracle {
  reads = 0
  hits = 0
  wrong = 0
  stale = 0
  /** Stale reads that an allowance covered, by its name. */
  readonly allowed: Record<string, number> = {}
  /** The first violations, in words. */
  readonly violations: string[] = []
  readonly #allowances: readonly Allowance[]
  readonly #changes = new Map<string, Open[]>()
  readonly #newest = new Map<string, number>()
  #order = 0

  constructor(allowances: readonly Allowance[] = []) {
    this.#allowances = allowances
  }

  now(): Moment {
    return { order: ++this.#order, at: performance.now() }
  }

  /** A change was committed to the source of truth and is about to be told to the cache. The function is called with what it says. */
  changing(kind: Change['kind'], key: string, seq: number): (status: string) => void {
    const change: Open = { kind, key, seq, begun: this.now() }
    const changes = this.#changes.get(key) ?? []
    this.#changes.set(key, changes)
    changes.push(change)
    if (changes.length > REMEMBERED) changes.shift()
    this.#newest.set(key, Math.max(seq, this.#newest.get(key) ?? 0))
    return (status) => {
      change.status = status
      change.settled = this.now()
    }
  }

  /**
   * Checks what a read gave.
   *
   * @param begun the moment before the read was asked for
   */
  read(key: string, value: unknown, begun: Moment): void {
    this.reads++
    if (value === undefined) return
    this.hits++
    const wrong = this.#wrong(key, value)
    if (wrong !== undefined) {
      this.wrong++
      return this.#tell(`wrong: a read of ${key} gave ${wrong}`)
    }
    const { seq } = value as Value
    const missed = this.#missed(key, seq, begun)
    if (!missed) return
    const read: StaleRead = { key, seq, begun, missed }
    const allowance = this.#allowances.find(({ allows }) => allows(read))
    if (allowance) {
      this.allowed[allowance.name] = (this.allowed[allowance.name] ?? 0) + 1
      return
    }
    this.stale++
    const age = Math.round(begun.at - missed.settled.at)
    const told = `${missed.kind} ${missed.seq} (${missed.status}) had settled ${age} ms before it began`
    this.#tell(`stale: a read of ${key} gave ${seq}, though ${told}`)
  }

  #wrong(key: string, value: unknown): string | undefined {
    const { key: of, seq } = (value ?? {}) as Partial<Value>
    if (typeof of !== 'string' || typeof seq !== 'number')
      return `something else: ${JSON.stringify(value)}`.slice(0, 200)
    if (of !== key) return `${of} (${seq})`
    return seq > (this.#newest.get(key) ?? 0) ? `${seq}, which is still to come` : undefined
  }

  #missed(key: string, seq: number, begun: Moment): StaleRead['missed'] | undefined {
    if (seq >= (this.#newest.get(key) ?? 0)) return undefined
    const changes = this.#changes.get(key) ?? []
    const sets = changes.filter((change) => change.kind === 'set' && change.seq === seq)
    return changes.findLast((change): change is Open & { settled: Moment } => {
      const { settled, status, kind } = change
      if (change.seq <= seq || !settled || settled.order > begun.order) return false
      if (kind === 'delete' && status === 'failed') return false
      return !sets.some(
        (set) => set.begun.order < settled.order && (set.settled?.order ?? Infinity) > change.begun.order,
      )
    })
  }

  #tell(words: string): void {
    if (this.violations.length < DESCRIBED) this.violations.push(words)
  }
}
