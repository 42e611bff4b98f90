import { Buffer } from 'node:buffer'
import type { CommandQueue, Inside } from './inside.ts'
import { Row } from './row.ts'
import { BULK, ERROR, INCOMPLETE, INTEGER, LIST, MALFORMED, Scanner, STATUS } from './scanner.ts'

/** An error that the server answered; its name is that of ioredis' own. */
class ReplyError extends Error {
  override name = 'ReplyError'
}

const NOTHING = Buffer.alloc(0)

/** How many bytes are put to a line that goes on, at least. */
const LINE = 64

/** The clients whose connections are read here. */
const reading = new WeakSet<object>()

/** Whether the replies to rows would be read: see {@link readRows}. */
export function readsRows(client: object): boolean {
  return reading.has(client)
}

/**
 * Has the replies to rows read here, on all connections of an ioredis client of our own: from bytes to what those who asked
 * are told, without the objects, promises and turns of the event loop that lie between in ioredis. All other replies are
 * left to it.
 *
 * @param broken called when a reply belongs to no command, or is not one to its command; nothing is read or told after that
 */
export function readRows(client: object, broken: () => void): void {
  const inside = client as Inside & { on(event: 'connect', listener: () => void): unknown }
  // It comes in the turn in which a connection is made: before the first reply.
  inside.on('connect', () => {
    const { stream, commandQueue } = inside
    const [theirs, ...others] = stream?.listeners('data') ?? []
    // A version that is built otherwise is left as it is.
    if (!stream || !theirs || others.length > 0 || typeof commandQueue?.peekFront !== 'function') {
      reading.delete(client)
      return
    }
    const reader = new ReplyReader(commandQueue, theirs as (chunk: Buffer) => void, broken)
    stream.off('data', theirs as () => void)
    stream.on('data', (chunk: Buffer) => reader.take(chunk))
    reading.add(client)
  })
}

/** Reads what arrives on one connection. */
export class ReplyReader {
  readonly #queue: CommandQueue
  readonly #theirs: (reply: Buffer) => void
  readonly #broken: () => void
  readonly #scanner = new Scanner()
  /** What has arrived of a reply or a value that is not complete, and how much of it must be there before it is looked at. */
  #parts: Buffer[] = []
  #held = 0
  #needed = 0
  /** How much of what arrived was put to it last. */
  #joined = 0
  #over = false

  /**
   * @param queue the commands that wait for replies
   * @param theirs takes the reply to a command that is no row
   */
  constructor(queue: CommandQueue, theirs: (reply: Buffer) => void, broken: () => void) {
    this.#queue = queue
    this.#theirs = theirs
    this.#broken = broken
  }

  /**
   * Reads what has arrived. All of it is looked at before anybody is told: a reply that fits by chance, before or behind one
   * that does not, is no answer.
   */
  take(chunk: Buffer): void {
    if (this.#over) return
    const done: Row[] = []
    let rest = chunk
    while (this.#held > 0 && rest.length > 0) {
      const bytes = this.#join(rest)
      rest = rest.subarray(this.#joined)
      if (bytes && !this.#readAll(bytes, done)) return
    }
    if (!this.#readAll(rest, done)) return
    for (const row of done) settle(row)
  }

  /**
   * What is kept with what it lacks, taken from what has arrived, so that no more is copied than has to be; nothing, if that
   * has not arrived yet.
   */
  #join(rest: Buffer): Buffer | undefined {
    const lacking = this.#needed - this.#held
    // Where a line goes on, it is not known how far.
    const wanted = lacking > 1 ? lacking : Math.max(LINE, this.#held)
    const taken = rest.length > wanted ? rest.subarray(0, wanted) : rest
    this.#parts.push(taken)
    this.#held += taken.length
    this.#joined = taken.length
    if (this.#held < this.#needed) return undefined
    const bytes = Buffer.concat(this.#parts, this.#held)
    this.#parts = []
    this.#held = 0
    return bytes
  }

  /** Reads what is there, and keeps the beginning of what is not. Says whether all is as it should be. */
  #readAll(bytes: Buffer, done: Row[]): boolean {
    const scanner = this.#scanner
    scanner.begin(bytes)
    while (scanner.at < scanner.end) {
      const front = this.#queue.peekFront()
      const verdict = front === undefined ? MALFORMED : this.#next(front.command, done)
      if (verdict === MALFORMED) {
        this.#over = true
        this.#broken()
        return false
      }
      if (verdict === INCOMPLETE) break
    }
    const { at, end, needed } = scanner
    if (at < end) {
      this.#parts.push(at === 0 ? bytes : bytes.subarray(at))
      this.#held = end - at
      this.#needed = needed - at
    }
    // A large value is not to be kept until something else arrives.
    scanner.begin(NOTHING)
    return true
  }

  /** Reads the next reply, or what is there of it; the scanner is left behind what was read. */
  #next(command: object, done: Row[]): number {
    if (!(command instanceof Row)) return this.#leave()
    const scanner = this.#scanner
    while (!command.complete) {
      const from = scanner.at
      if (from === scanner.end) {
        scanner.needed = from + 1
        return INCOMPLETE
      }
      const verdict = this.#read(command)
      if (verdict < 0) {
        scanner.at = from
        return verdict
      }
    }
    this.#queue.shift()
    done.push(command)
    return 0
  }

  /** Leaves a reply to ioredis. */
  #leave(): number {
    const scanner = this.#scanner
    const { at: from, bytes } = scanner
    const verdict = scanner.reply()
    if (verdict === INCOMPLETE) {
      scanner.at = from
      return INCOMPLETE
    }
    if (verdict === MALFORMED) {
      // ioredis knows best what is wrong with it. It empties the queue then, and ends the connection. A list, which none of
      // these commands has, it takes if it is whole.
      scanner.at = scanner.end
      this.#theirs(bytes.subarray(from))
      return this.#queue.peekFront() === undefined ? 0 : MALFORMED
    }
    this.#theirs(bytes.subarray(from, scanner.at))
    return 0
  }

  /** Reads one reply of a row, or the beginning of its list. */
  #read(row: Row): number {
    const scanner = this.#scanner
    const { bytes } = scanner
    const type = bytes[scanner.at++]
    if (type === ERROR) {
      const from = scanner.at
      const to = scanner.line()
      if (to < 0) return to
      return row.takeError(new ReplyError(bytes.toString('utf8', from, to))) ? 0 : MALFORMED
    }
    if (row.unlisted) {
      if (type !== LIST) return MALFORMED
      const width = scanner.number()
      if (width === INCOMPLETE) return INCOMPLETE
      row.unlisted = false
      return width === row.width ? 0 : MALFORMED
    }
    if (type === BULK) {
      const length = scanner.number()
      if (length === -1) return row.take(null) ? 0 : MALFORMED
      const from = length < 0 ? length : scanner.skip(length)
      if (from < 0) return from
      return row.takeBytes(bytes, from, from + length) ? 0 : MALFORMED
    }
    if (type === INTEGER) {
      const number = scanner.number()
      return number < -1 ? number : row.take(number) ? 0 : MALFORMED
    }
    if (type !== STATUS) return MALFORMED
    if (scanner.ok()) return row.take('OK') ? 0 : MALFORMED
    const from = scanner.at
    const to = scanner.line()
    return to < 0 ? to : row.take(bytes.toString('latin1', from, to)) ? 0 : MALFORMED
  }
}

/** What an instrumentation of the client throws is the program's to see; those after it are told all the same. */
function settle(row: Row): void {
  try {
    row.settle()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
