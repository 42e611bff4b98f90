import type { RedisConstructor } from './client.ts'

/** What is used of the inside of an ioredis client of our own, of either major version. */
interface Inside {
  /** `null` or nothing without a connection. */
  readonly stream?: { write(bytes: Buffer): unknown } | null
  sendCommand(command: RowCommand, sink: object): unknown
}

/** What each of some commands came to that were sent as one. */
export interface RowReplies<T = unknown> {
  /** By their places; `undefined` where there is an error. */
  readonly replies: (T | undefined)[]
  /** By their places; `undefined` when all went well. */
  readonly errors: ReadonlyMap<number, Error> | undefined
}

/** Who is told what a command came to. */
interface Receiver {
  settle(at: number, error: Error | null, reply: unknown): void
}

/**
 * A command in the queue of an ioredis client, without what ioredis' own have: a promise, and bytes, since those of a whole
 * row are written in one piece. It takes a quarter of the time.
 */
class RowCommand {
  readonly name: string
  // Tells ioredis that somebody else looks after the promise.
  isTraced = true
  inTransaction = false
  readonly promise = undefined
  readonly #args: string | readonly string[]
  #receiver: Receiver | undefined
  readonly #at: number

  constructor(name: string, args: string | readonly string[], receiver: Receiver, at: number) {
    this.name = name
    this.#args = args
    this.#receiver = receiver
    this.#at = at
  }

  /** For instrumentations: nothing else looks at them. */
  get args(): readonly string[] {
    return typeof this.#args === 'string' ? [this.#args] : this.#args
  }

  resolve(reply: unknown): void {
    this.#settle(null, reply)
  }

  reject(error: Error): void {
    this.#settle(error, undefined)
  }

  /** Lets go of who is told: ioredis' queue may hold on to a command that has grown old. */
  #settle(error: Error | null, reply: unknown): void {
    const receiver = this.#receiver
    this.#receiver = undefined
    receiver?.settle(this.#at, error, reply)
  }

  toWritable(): string {
    return ''
  }

  setReplyContext(): void {}
}

/** Whether clients of this class are built as {@link sendRow} takes them to be. */
export function takesRows(Redis: RedisConstructor): boolean {
  const { prototype } = Redis as { readonly prototype?: Partial<Inside> }
  return typeof prototype?.sendCommand === 'function'
}

/**
 * Sends commands of one key each in one write. Replies are bytes and numbers, as the server sent them. Never rejects.
 *
 * @param client one of our own, that is ready
 * @param names of each command, or of all
 * @param bytes the commands as they go over the wire, in the order of their keys
 */
export function sendRow(
  client: object,
  names: string | readonly string[],
  keys: readonly string[],
  bytes: Buffer,
): Promise<RowReplies> {
  return new Promise((resolve) => {
    const row = new Row(keys.length, resolve)
    const inside = client as Inside
    const sink = new Sink(inside)
    for (let at = 0; at < keys.length; at++) {
      const name = typeof names === 'string' ? names : (names[at] as string)
      inside.sendCommand(new RowCommand(name, keys[at] as string, row, at), sink)
    }
    if (row.open) inside.stream?.write(bytes)
  })
}

/** Who waits for a row. */
class Row implements Receiver, RowReplies {
  readonly replies: unknown[] = []
  errors: Map<number, Error> | undefined
  #left: number
  readonly #resolve: (replies: RowReplies) => void

  constructor(commands: number, resolve: (replies: RowReplies) => void) {
    this.#left = commands
    this.#resolve = resolve
  }

  /** Whether not all have been refused, as they are when the connection has just ended. */
  get open(): boolean {
    return this.#left > 0
  }

  settle(at: number, error: Error | null, reply: unknown): void {
    this.replies[at] = reply
    if (error) (this.errors ??= new Map()).set(at, error)
    if (--this.#left === 0) this.#resolve(this)
  }
}

/** Sends one command in the same way. Rejects with the error that the server answers. */
export function sendOne(client: object, name: string, args: readonly string[], bytes: Buffer): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const waiting = new One(resolve, reject)
    const inside = client as Inside
    inside.sendCommand(new RowCommand(name, args, waiting, 0), new Sink(inside))
    if (waiting.open) inside.stream?.write(bytes)
  })
}

/** Who waits for one command. */
class One implements Receiver {
  /** Whether it has not been refused. */
  open = true
  readonly #resolve: (reply: unknown) => void
  readonly #reject: (error: Error) => void

  constructor(resolve: (reply: unknown) => void, reject: (error: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  settle(_: number, error: Error | null, reply: unknown): void {
    this.open = false
    if (error) this.#reject(error)
    else this.#resolve(reply)
  }
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
