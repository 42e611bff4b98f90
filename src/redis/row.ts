import type { RedisConstructor } from './client.ts'

/** What is used of the inside of an ioredis client of our own, of either major version. */
interface Inside {
  /** `null` or nothing without a connection. */
  readonly stream?: { write(bytes: Buffer): unknown } | null
  sendCommand(command: RowCommand, sink: object): unknown
}

/** What each command of a row came to, as `exec` of a pipeline tells it. */
export type RowReplies = (readonly [Error | null, unknown])[]

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
  readonly args: readonly string[]
  // Tells ioredis that somebody else looks after the promise.
  isTraced = true
  inTransaction = false
  readonly promise = undefined
  readonly #receiver: Receiver
  readonly #at: number

  constructor(name: string, args: readonly string[], receiver: Receiver, at: number) {
    this.name = name
    this.args = args
    this.#receiver = receiver
    this.#at = at
  }

  resolve(reply: unknown): void {
    this.#receiver.settle(this.#at, null, reply)
  }

  reject(error: Error): void {
    this.#receiver.settle(this.#at, error, undefined)
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
 * @param bytes the commands as they go over the wire, in the order of their keys
 */
export function sendRow(client: object, name: string, keys: readonly string[], bytes: Buffer): Promise<RowReplies> {
  return new Promise((resolve) => {
    const replies: RowReplies = []
    let left = keys.length
    const settle = (at: number, error: Error | null, reply: unknown): void => {
      replies[at] = [error, reply]
      if (--left === 0) resolve(replies)
    }
    const receiver = { settle }
    send(
      client as Inside,
      keys.map((key, at) => new RowCommand(name, [key], receiver, at)),
      () => left > 0,
      bytes,
    )
  })
}

/** Sends one command in the same way. Rejects with the error that the server answers. */
export function sendOne(client: object, name: string, args: readonly string[], bytes: Buffer): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let open = true
    const settle = (_: number, error: Error | null, reply: unknown): void => {
      open = false
      if (error) reject(error)
      else resolve(reply)
    }
    send(client as Inside, [new RowCommand(name, args, { settle }, 0)], () => open, bytes)
  })
}

/** @param waiting whether any has not been refused: they all are when the connection has just ended */
function send(client: Inside, commands: readonly RowCommand[], waiting: () => boolean, bytes: Buffer): void {
  const sink = { isPipeline: true, destination: { redis: client }, write: () => {} }
  for (const command of commands) client.sendCommand(command, sink)
  if (waiting()) client.stream?.write(bytes)
}
