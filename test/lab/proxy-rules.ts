/** The way of bytes: `up` to the server, `down` to the client. */
export type Direction = 'up' | 'down'

/** What happens to the bytes of one connection at one place of their stream. */
export type Fault =
  /** The connection ends there, for both sides: by a reset, unless `how` says otherwise. */
  | { kind: 'cut'; how?: 'reset' | 'fin' }
  /** Nothing more passes in this direction, while the connection stays open. */
  | { kind: 'hold' }
  /** Bytes that nobody sent. */
  | { kind: 'insert'; bytes: Uint8Array }
  /** One byte is changed: its bits under the mask, all of them unless given. */
  | { kind: 'flip'; mask?: number }
  /** So many bytes are swallowed, or what is left of the chunk. */
  | { kind: 'drop'; bytes: number | 'chunk' }

/** Where and how often a fault strikes. */
export interface Place {
  /** `down` unless given. */
  direction?: Direction
  /**
   * The byte it strikes at: so many pass untouched, counted on each connection for itself, from when the rule was set, the
   * connection began, or the rule last struck there, whichever is latest. 0 unless given: the next byte.
   */
  at?: number
  /** Instead of `at`: so many chunks pass untouched. A chunk is what one `read` of the proxy gave: one reply, when one was asked for. */
  chunk?: number
  /** How often it strikes in all; 1 unless given. `Infinity`: until it is removed. */
  times?: number
  /** `new`: only on connections that begin after the rule was set. */
  on?: 'any' | 'new'
}

/** A fault that was set, and what became of it. */
export interface Rule {
  /** How often it has struck. */
  readonly count: number
  /** Resolves when it has struck as often as it was to. */
  readonly done: Promise<void>
  remove(): void
}

/** What leaves the rules: bytes, or the end of the connection. `hold`: nothing will follow. */
export type Piece = Buffer | 'fin' | 'reset' | 'hold'

/** A rule as the proxy holds it. */
export class SetRule implements Rule {
  readonly fault: Fault
  readonly direction: Direction
  readonly place: Place
  readonly done: Promise<void>
  count = 0
  #finish!: () => void
  #gone = false
  readonly #tell: { struck(): void; removed(): void }

  constructor(fault: Fault, place: Place, tell: { struck(): void; removed(): void }) {
    this.fault = fault
    this.place = place
    this.direction = place.direction ?? 'down'
    this.#tell = tell
    this.done = new Promise((resolve) => (this.#finish = resolve))
  }

  get spent(): boolean {
    return this.#gone || this.count >= (this.place.times ?? 1)
  }

  strike(): void {
    this.count++
    this.#tell.struck()
    if (!this.spent) return
    this.#finish()
    this.remove()
  }

  remove(): void {
    this.#gone = true
    this.#tell.removed()
  }

  /** How many bytes of a chunk pass before it strikes; `undefined` when it does not strike in this one. */
  offset(passed: number, chunks: number, length: number): number | undefined {
    const { at = 0, chunk } = this.place
    // What needs no byte of its own strikes as soon as those before it have passed: the next ones may never come.
    const eager = this.fault.kind !== 'flip' && this.fault.kind !== 'drop'
    const offset = chunk === undefined ? at - passed : chunk === chunks ? 0 : chunk === chunks + 1 ? length : -1
    return offset >= 0 && (offset < length || (eager && offset === length)) ? offset : undefined
  }
}

/** One rule on one direction of one connection. */
export class Stage {
  readonly rule: SetRule
  #passed = 0
  #chunks = 0
  #toDrop = 0

  constructor(rule: SetRule) {
    this.rule = rule
  }

  /** Whether the rule has nothing more to do here. */
  get idle(): boolean {
    return this.rule.spent && this.#toDrop === 0
  }

  pass(chunk: Buffer): Piece[] {
    const { rule } = this
    const out: Piece[] = []
    let rest = this.#swallow(chunk)
    for (;;) {
      const offset = rule.spent ? undefined : rule.offset(this.#passed, this.#chunks, rest.length)
      if (offset === undefined || rest.length === 0) break
      rule.strike()
      if (offset > 0) out.push(rest.subarray(0, offset))
      this.#passed = this.#chunks = 0
      const { fault } = rule
      rest = rest.subarray(offset)
      if (fault.kind === 'cut') return [...out, fault.how ?? 'reset']
      if (fault.kind === 'hold') return [...out, 'hold']
      if (fault.kind === 'insert') out.push(Buffer.from(fault.bytes))
      else if (fault.kind === 'flip') {
        out.push(Buffer.of((rest[0] ?? 0) ^ (fault.mask ?? 0xff)))
        rest = rest.subarray(1)
      } else {
        this.#toDrop = fault.bytes === 'chunk' ? rest.length : fault.bytes
        rest = this.#swallow(rest)
      }
      // Where nothing need pass between two strikes, the next one is in the next chunk.
      if (rule.place.chunk !== undefined || (rule.place.at ?? 0) === 0) return [...out, rest]
    }
    this.#passed += rest.length
    if (rest.length > 0) this.#chunks++
    return [...out, rest]
  }

  #swallow(bytes: Buffer): Buffer {
    const dropped = Math.min(this.#toDrop, bytes.length)
    this.#toDrop -= dropped
    return bytes.subarray(dropped)
  }
}
