import { nextTick } from 'node:process'
import { NONE } from '../base/none.ts'
import type { ByteSliceClass } from '../base/slice.ts'
import type { Inside } from './inside.ts'
import { UNFIT, type FitOneOf, type RowReplies } from './replies.ts'
import { Waiting } from './waiting.ts'

/** How the replies to a row come. */
export interface RowShape<T> {
  /** Of its commands, or of the first one. */
  readonly name: string
  readonly keys: readonly string[]
  /**
   * - `each`: one for each key, any of which may be an error
   * - `one`: the same, of one key, and an error stands for the whole
   * - `list`: one list with a reply for each key, or an error that stands for the whole
   */
  readonly replies: 'each' | 'one' | 'list'
  /** Takes each reply. */
  readonly fit: FitOneOf<T>
  /** Where it is given, bytes fit, and are left where they lie. */
  readonly slice?: ByteSliceClass | undefined
}

/** Who is told what came of a row, one of both, once. */
export interface RowAsker<T> {
  /** All replies are there. Must not throw. */
  came(row: RowReplies<T>): void
  /** It was refused as a whole, or its connection has ended. Must not throw. */
  refused(error: Error): void
}

type Resolve = (reply?: unknown) => void
type Reject = (error: Error) => void

/**
 * Commands of one key each that are sent in one piece, and stand in the queue of an ioredis client as if they were one
 * command. Their replies are read by a `ReplyReader`.
 */
export class Row<T = unknown> extends Waiting implements RowReplies<T> {
  readonly name: string
  /** Whether its replies come in a list, whose beginning has not been read. */
  unlisted: boolean
  replies: (T | undefined)[] = NONE
  errors: Map<number, Error> | undefined
  // Tells ioredis that somebody else looks after the promise.
  isTraced = true
  inTransaction = false
  readonly promise = undefined
  readonly #shape: RowShape<T>
  #refusal: Error | undefined
  #asker: RowAsker<T> | undefined
  #resolve: Resolve | undefined
  #reject: Reject | undefined

  constructor(shape: RowShape<T>, asker: RowAsker<T>) {
    super()
    this.name = shape.name
    this.unlisted = shape.replies === 'list'
    this.#shape = shape
    this.#asker = asker
  }

  /**
   * Tells what it came to. An instrumentation may put a function in its place that calls this one without an object; a row
   * that nobody asks for it makes none.
   */
  get resolve(): Resolve {
    return this.#resolve ?? (() => this.#settle())
  }
  set resolve(resolve: Resolve) {
    this.#resolve = resolve
  }

  /** Called by ioredis when the connection has ended, and instead of the other where a row is refused as a whole. */
  get reject(): Reject {
    return this.#reject ?? ((error) => this.#ended(error))
  }
  set reject(reject: Reject) {
    this.#reject = reject
  }

  /** For instrumentations: nothing else looks at them. */
  get args(): readonly string[] {
    return this.#shape.keys
  }

  /** How many replies it has. */
  get width(): number {
    return this.#shape.keys.length
  }

  /** Whether nothing is to come any more. */
  get complete(): boolean {
    return this.#refusal !== undefined || this.replies.length === this.#shape.keys.length
  }

  /** Takes the next reply, which is the bytes between these places. Says whether it is one to its command. */
  takeBytes(bytes: Buffer, from: number, to: number): boolean {
    const { slice } = this.#shape
    if (slice === undefined) return this.take(bytes.subarray(from, to))
    this.#put(new slice(bytes, from, to) as T)
    return true
  }

  /** Takes the next reply. Says whether it is one to its command. */
  take(reply: unknown): boolean {
    const value = this.#shape.fit(reply, this.replies.length)
    if (value === UNFIT) return false
    this.#put(value)
    return true
  }

  #put(value: T | undefined): void {
    if (this.replies === NONE) this.replies = [value]
    else this.replies.push(value)
  }

  /** Takes an error that the server answered. Says whether one may stand there. */
  takeError(error: Error): boolean {
    const { replies } = this.#shape
    // Commands have errors; what stands in a list has none.
    if (replies === 'list' && !this.unlisted) return false
    if (replies === 'each') this.#failed(error)
    else this.#refusal = error
    return true
  }

  #failed(error: Error): void {
    ;(this.errors ??= new Map()).set(this.replies.length, error)
    this.#put(undefined)
  }

  /** Tells what it came to, when it is complete. */
  settle(): void {
    if (this.#refusal && this.#reject) this.#reject(this.#refusal)
    else if (!this.#refusal && this.#resolve) this.#resolve(this.replies)
    else this.#settle()
  }

  /** Told that its connection was given up. */
  override giveUp(error: Error): void {
    const asker = this.#asker
    this.#asker = undefined
    asker?.refused(error)
  }

  /** Lets go of who is told: ioredis' queue may hold on to a command that has grown old. */
  #settle(): void {
    // ioredis itself has read a reply, which it only does after one that nobody can read.
    if (!this.complete) this.#fail(new Error('Protocol error'))
    this.leave()
    const asker = this.#asker
    this.#asker = undefined
    if (this.#refusal) asker?.refused(this.#refusal)
    else asker?.came(this)
  }

  #ended(error: Error): void {
    if (this.complete) this.#settle()
    else {
      this.#fail(error)
      nextTick(() => this.#settle())
    }
  }

  /** What was answered before holds. */
  #fail(error: Error): void {
    if (this.replies.length === 0 || this.#shape.replies !== 'each') this.#refusal = error
    while (!this.complete) this.#failed(error)
  }

  toWritable(): string {
    return ''
  }

  setReplyContext(): void {}
}

/**
 * Sends a row in one write, with a client for which `readsRows` holds.
 *
 * @param bytes the commands as they go over the wire, in the order of their keys
 */
export function sendRow<T>(client: object, row: Row<T>, bytes: Buffer | string): void {
  const inside = client as Inside
  inside.sendCommand(row, new Sink(inside))
  // It is complete when it was refused, as it is when the connection has just ended.
  if (!row.complete) inside.stream?.write(bytes)
}

/** What ioredis takes for the pipeline that collects the bytes of its commands. */
class Sink {
  readonly isPipeline = true
  readonly destination: { readonly redis: Inside }

  constructor(redis: Inside) {
    this.destination = { redis }
  }

  write(): void {}
}
