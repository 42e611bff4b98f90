import { NodeError } from '../../src/base/errors.ts'
import type { Clock } from '../../src/base/clock.ts'
import type {
  NodeAdapter,
  NodeIdentity,
  NodePowers,
  ReadOutcome,
  RemoveOutcome,
  WriteItem,
  WriteOutcome,
} from '../../src/node/contract.ts'
import { customNode, type NodeContext, type NodeOptions, type NodeSpec } from '../../src/node/spec.ts'

type Outcome = ReadOutcome | WriteOutcome | RemoveOutcome

/** How a fake server answers: `answer()` does the work on its store and gives the right outcomes, one per key. */
export type Behaviour = (answer: () => Outcome[], keys: readonly string[]) => Promise<Outcome[]>

/** Does what it should. */
export const works: Behaviour = (answer) => Promise.resolve(answer())
/** Never answers. */
export const hangs: Behaviour = () => new Promise(() => {})
/** Cannot be reached: every key fails at once. */
export const isDown: Behaviour = (_, keys) =>
  Promise.resolve(keys.map(() => new NodeError('ERR_NODE_DOWN', 'fake cannot be reached')))
/** Breaks the contract: rejects. */
export const rejects: Behaviour = () => Promise.reject(new RangeError('the secret value'))
/** Breaks the contract: throws before there is a promise. */
export const throws: Behaviour = () => {
  throw new RangeError('the secret value')
}

/** Does what it should once the promise has settled; what is asked is done then, not before. */
export function after(gate: Promise<unknown>): Behaviour {
  return (answer) => gate.then(answer)
}

/** Does at once what it should, and says so `ms` later. */
export function takes(clock: Clock, ms: number): Behaviour {
  return (answer) => {
    const outcomes = answer()
    return new Promise((resolve) => clock.setTimer(() => resolve(outcomes), ms).ref())
  }
}

/** A promise and what settles it. */
export interface Gate<T = void> {
  readonly promise: Promise<T>
  open(value: T): void
  fail(error: unknown): void
}

export function gate<T = void>(): Gate<T> {
  let open!: (value: T) => void
  let fail!: (error: unknown) => void
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  return { promise, open, fail }
}

/** What a fake server was asked. */
export interface Asked {
  readonly operation: 'read' | 'write' | 'remove'
  readonly keys: readonly string[]
}

/** A server in memory whose behaviour a test sets, and which remembers what it was asked. */
export class FakeServer {
  readonly id: string
  readonly store: Map<string, { value: Uint8Array; until: number }> = new Map()
  readonly asked: Asked[] = []
  reads: Behaviour = works
  writes: Behaviour = works
  removes: Behaviour = works
  connects: () => Promise<NodeIdentity> = () =>
    Promise.resolve({ runId: 'fake', role: 'unknown' as const, version: '' })
  resets: () => void = () => {}
  closes: () => Promise<void> = () => Promise.resolve()
  maxValueBytes: number = 1024 * 1024
  powers: NodePowers = {}
  opened = 0
  reset = 0
  closed = 0
  /** The node's open function: the same one every time, as a program's own would be. */
  readonly open = (context: NodeContext): NodeAdapter => {
    this.opened++
    return new FakeAdapter(this, context.clock)
  }

  constructor(id = 'fake') {
    this.id = id
  }

  /** The server as a node. */
  node(options: Omit<NodeOptions, 'id'> & { replicas?: readonly FakeServer[] } = {}): NodeSpec {
    const { replicas = [], ...rest } = options
    return customNode(this.open, { ...rest, id: this.id, replicas: replicas.map(({ open }) => open) })
  }

  /** Makes all operations behave alike. */
  set all(behaviour: Behaviour) {
    this.reads = behaviour
    this.writes = behaviour
    this.removes = behaviour
  }

  /** How many keys it was asked for by this operation; by all of them unless given. */
  count(operation?: Asked['operation']): number {
    return this.asked
      .filter((asked) => operation === undefined || asked.operation === operation)
      .reduce((sum, { keys }) => sum + keys.length, 0)
  }
}

class FakeAdapter implements NodeAdapter {
  readonly address: string
  readonly powers: NodePowers
  readonly #server: FakeServer
  readonly #clock: Clock

  constructor(server: FakeServer, clock: Clock) {
    this.address = `${server.id}:1`
    this.powers = server.powers
    this.#server = server
    this.#clock = clock
  }

  get limits(): { maxKeyBytes: number; maxValueBytes: number; ttlStep: number } {
    return { maxKeyBytes: 250, maxValueBytes: this.#server.maxValueBytes, ttlStep: 1 }
  }

  connect(): Promise<NodeIdentity> {
    return this.#server.connects()
  }

  read(keys: readonly string[]): Promise<ReadOutcome[]> {
    this.#server.asked.push({ operation: 'read', keys })
    return this.#server.reads(() => keys.map((key) => this.#live(key)), keys) as Promise<ReadOutcome[]>
  }

  write(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const keys = items.map(({ key }) => key)
    this.#server.asked.push({ operation: 'write', keys })
    const answer = (): Outcome[] =>
      items.map(({ key, value, ttl }) => {
        this.#server.store.set(key, { value: Uint8Array.from(value), until: this.#clock.monotonic() + ttl })
        return 'stored'
      })
    return this.#server.writes(answer, keys) as Promise<WriteOutcome[]>
  }

  remove(keys: readonly string[]): Promise<RemoveOutcome[]> {
    this.#server.asked.push({ operation: 'remove', keys })
    const answer = (): Outcome[] => keys.map((key) => (this.#server.store.delete(key) ? 'deleted' : 'absent'))
    return this.#server.removes(answer, keys) as Promise<RemoveOutcome[]>
  }

  reset(): void {
    this.#server.reset++
    this.#server.resets()
  }

  close(): Promise<void> {
    this.#server.closed++
    return this.#server.closes()
  }

  #live(key: string): Uint8Array | undefined {
    const stored = this.#server.store.get(key)
    return stored && stored.until > this.#clock.monotonic() ? stored.value : undefined
  }
}
