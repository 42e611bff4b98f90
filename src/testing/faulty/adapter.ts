import type { Timer } from '../../base/clock.ts'
import { NodeError } from '../../base/errors.ts'
import type { AtomicPower, ExpireOutcome, HolderOutcome, LeaseOutcome } from '../../node/atomic.ts'
import type {
  NodeAdapter,
  NodeIdentity,
  NodeLimits,
  NodePowers,
  ReadOutcome,
  RemoveOutcome,
  WriteItem,
  WriteOutcome,
} from '../../node/contract.ts'
import type { NodeContext } from '../../node/spec.ts'
import { applyFlips } from './flip.ts'
import type { FaultCode, FaultOperation } from './rule.ts'
import type { Rules, Verdict } from './rules.ts'
import type { FaultyServer } from './server.ts'

type Outcome = ReadOutcome | WriteOutcome | RemoveOutcome | LeaseOutcome | HolderOutcome | ExpireOutcome

/** Every power of the contract: one that is added there has to be wrapped here. */
type AllPowers = { readonly [P in keyof Required<NodePowers>]: NodePowers[P] | undefined }

/** Between a cache and the real adapter: lets rules strike what passes. */
export class FaultyAdapter implements NodeAdapter {
  readonly #server: FaultyServer
  readonly #rules: Rules
  readonly #inner: NodeAdapter
  readonly #context: NodeContext
  /** What fails each operation under way. */
  readonly #waiting = new Set<(error: NodeError) => void>()
  /** Grows with each connection that is lost. */
  #connection = 0
  /**
   * Whether the cache knows who answers on this connection. The first one is the real adapter's business; of those that
   * follow a fault it may know nothing, since in truth nothing happened to its own.
   */
  #known = true
  /** The way to know it, once somebody asks something. */
  #introduction: Promise<void> | undefined
  #closed = false

  /** @param open makes the real adapter */
  constructor(open: (context: NodeContext) => NodeAdapter, context: NodeContext, server: FaultyServer, rules: Rules) {
    this.#server = server
    this.#rules = rules
    this.#context = context
    this.#inner = open({ ...context, identified: (identity) => this.#identified(identity) })
    server.opened(this, context.clock)
  }

  get address(): string {
    return this.#inner.address
  }

  get limits(): NodeLimits {
    return this.#inner.limits
  }

  get powers(): NodePowers {
    const { info, history, removeIf, atomic } = this.#inner.powers
    const powers: AllPowers = {
      info: info && (async () => this.#server.identity(await this.#one('info', undefined, info))),
      history: history && (() => this.#one('info', undefined, history)),
      removeIf: removeIf && ((key, value) => this.#one('remove', key, () => removeIf(key, value))),
      atomic: atomic && this.#atomic(atomic),
    }
    return Object.fromEntries(Object.entries(powers).filter(([, power]) => power !== undefined))
  }

  #atomic(inner: AtomicPower): AtomicPower {
    const each = <I extends { readonly key: string }, O extends Outcome>(
      operation: FaultOperation,
      items: readonly I[],
      ask: (items: readonly I[]) => Promise<O[]>,
    ): Promise<O[]> => {
      const keys = items.map(({ key }) => key)
      return this.#each(operation, keys, items, ask)
    }
    return {
      lease: (requests) => each('lease', requests, (some) => inner.lease(some)),
      renew: (requests) => each('lease', requests, (some) => inner.renew(some)),
      fill: (requests) => each('write', requests, (some) => inner.fill(some)),
      release: (requests) => each('lease', requests, (some) => inner.release(some)),
      expire: (requests) => each('write', requests, (some) => inner.expire(some)),
    }
  }

  async connect(): Promise<NodeIdentity> {
    const identity = await this.#one('connect', undefined, async () => {
      const connection = this.#connection
      const real = await this.#inner.connect()
      this.#tell(real, connection)
      return real
    })
    return this.#server.identity(identity)
  }

  read(keys: readonly string[]): Promise<ReadOutcome[]> {
    return this.#each('read', keys, keys, (some) => this.#inner.read(some))
  }

  write(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const keys = items.map(({ key }) => key)
    return this.#each('write', keys, items, (some) => this.#inner.write(some))
  }

  remove(keys: readonly string[]): Promise<RemoveOutcome[]> {
    return this.#each('remove', keys, keys, (some) => this.#inner.remove(some))
  }

  reset(): void {
    this.break('was reset')
  }

  close(): Promise<void> {
    this.#closed = true
    this.#server.closed(this)
    this.#lose('was closed')
    return this.#inner.close()
  }

  /** Ends the connection: all that is under way fails, and the real adapter drops its own. */
  break(why: string): NodeError {
    const error = this.#lose(why)
    this.#inner.reset()
    return error
  }

  #lose(why: string): NodeError {
    const error = new NodeError('ERR_NODE_DOWN', `the connection to ${this.address} ${why}`)
    this.#connection++
    this.#known = false
    this.#introduction = undefined
    for (const lose of this.#waiting) lose(error)
    this.#waiting.clear()
    return error
  }

  /** An operation with an outcome per key. */
  async #each<I, O extends Outcome>(
    operation: FaultOperation,
    keys: readonly string[],
    items: readonly I[],
    ask: (items: readonly I[]) => Promise<O[]>,
  ): Promise<O[]> {
    // What hangs waits for a close at the latest; after that nothing may.
    if (this.#closed || items.length === 0) return ask(items)
    const verdict = this.#rules.judge(operation, this.#server, keys)
    const { errors, flips } = verdict
    try {
      const outcomes = await this.#carry(operation, verdict, async () => {
        const left = errors.size === 0 ? items : items.filter((_, index) => !errors.has(index))
        if (left.length > 0) await this.#introduce()
        const answers = left.length === 0 ? [] : await ask(left)
        // An adapter that breaks the contract is shown as it is.
        if (!Array.isArray(answers) || answers.length !== left.length) return answers
        let next = 0
        return items.map((_, index) => {
          const code = errors.get(index)
          return code === undefined ? (answers[next++] as O) : (this.#injected(code, operation) as O)
        })
      })
      return applyFlips(outcomes, flips)
    } catch (error) {
      applyFlips([], flips)
      if (!(error instanceof NodeError)) throw error
      return items.map(() => error as O)
    }
  }

  /** An operation with one answer. */
  async #one<T>(operation: FaultOperation, key: string | undefined, ask: () => Promise<T>): Promise<T> {
    if (this.#closed) return ask()
    const verdict = this.#rules.judge(operation, this.#server, [key])
    return this.#carry(operation, verdict, async () => {
      const code = verdict.errors.get(0)
      if (code !== undefined) throw this.#injected(code, operation)
      if (operation !== 'connect') await this.#introduce()
      return ask()
    })
  }

  /** Does an operation as the fault that strikes all of it lets it be done; rejects with `ERR_NODE_DOWN` where it does not. */
  async #carry<T>(operation: FaultOperation, { whole }: Verdict, act: () => Promise<T>): Promise<T> {
    switch (whole?.fault) {
      case undefined:
        return this.#underWay(0, act)
      case 'delay':
        return this.#underWay(whole.ms, act)
      case 'hang':
        return this.#underWay(Infinity, act)
      case 'down':
        throw new NodeError('ERR_NODE_DOWN', `${this.address} cannot be reached: a rule says that it is down`)
      case 'drop':
        if (whole.applied) await this.#underWay(0, act)
        throw this.break(`was dropped by a rule, during a ${operation}`)
    }
  }

  /** Starts an operation in `ms` (0: now; Infinity: never). When the connection is lost first, it fails and does not start. */
  #underWay<T>(ms: number, act: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined
      const lose = (error: NodeError): void => {
        timer?.cancel()
        reject(error)
      }
      const start = (): void => {
        const end = (): void => void this.#waiting.delete(lose)
        act().then(resolve, reject).finally(end)
      }
      this.#waiting.add(lose)
      if (ms === 0) start()
      else if (ms < Infinity) timer = this.#context.clock.setTimer(start, ms)
    })
  }

  /** The real adapter says who answers. While the server is down nobody does: whoever asks first afterwards is told. */
  #identified(identity: NodeIdentity): void {
    if (this.#rules.isDown(this.#server)) return
    this.#known = true
    this.#context.identified(this.#server.identity(identity))
  }

  /** Has the cache know who answers before anything is asked on a connection, as adapters do. */
  #introduce(): Promise<void> | undefined {
    if (this.#known) return undefined
    const connection = this.#connection
    return (this.#introduction ??= this.#inner.connect().then(
      (identity) => this.#tell(identity, connection),
      (error: unknown) => {
        if (this.#connection === connection) this.#introduction = undefined
        throw error
      },
    ))
  }

  #tell(identity: NodeIdentity, connection: number): void {
    if (this.#known || this.#connection !== connection) return
    this.#identified(identity)
  }

  #injected(code: FaultCode, operation: FaultOperation): NodeError {
    return new NodeError(code, `${this.address} answered a ${operation} with an injected error`)
  }
}
