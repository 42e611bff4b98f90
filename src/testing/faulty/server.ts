import type { Clock } from '../../base/clock.ts'
import type { NodeIdentity } from '../../node/contract.ts'
import type { Target } from './rules.ts'

/** What a server that is to break has of connections. */
export interface Breakable {
  /** Ends the connection with all that is under way on it. */
  break(why: string): void
}

/** One member of the node, as all caches that use it share it: its connections, and how often it restarted. */
export class FaultyServer implements Target {
  readonly role: 'primary' | 'replica'
  readonly address: string
  readonly #connections = new Set<Breakable>()
  #clock: Clock | undefined
  #restarts = 0
  #restartedAt: number | undefined

  constructor(role: 'primary' | 'replica', address: string) {
    this.role = role
    this.address = address
  }

  /** @param clock the cache's; that of the first cache counts the uptime */
  opened(connection: Breakable, clock: Clock): void {
    this.#connections.add(connection)
    this.#clock ??= clock
    if (this.#restarts > 0) this.#restartedAt ??= this.#clock.monotonic()
  }

  closed(connection: Breakable): void {
    this.#connections.delete(connection)
  }

  /** Ends all connections. */
  break(why: string): void {
    for (const connection of this.#connections) connection.break(why)
  }

  restart(): void {
    this.#restarts++
    this.#restartedAt = this.#clock?.monotonic()
    this.break('was restarted')
  }

  /** Who the server says it is, given who it really is. */
  identity<T extends NodeIdentity>(real: T): T {
    if (this.#restarts === 0) return real
    const age = Math.floor((this.#clock?.monotonic() ?? 0) - (this.#restartedAt ?? 0))
    const uptime = Math.min(age, real.uptime ?? Infinity)
    // Its data is there after all: what it was not told meanwhile may be too.
    return { ...real, runId: `${real.runId}-restarted-${this.#restarts}`, uptime, restored: true }
  }
}
