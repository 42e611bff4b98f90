import type { Socket } from 'node:net'
import { Stage, type Piece, type SetRule } from './proxy-rules.ts'
import type { Random } from './random.ts'

/** What came from the clients (`up`) or from the server (`down`). */
export interface Passed {
  bytes: number
  chunks: number
  /** Connections that were ended in an orderly way, and by a reset. */
  fins: number
  resets: number
}

/** How one direction of a proxy behaves now, on all of its connections. */
export interface Flow {
  delay: number
  jitter: number
  /** The size of the pieces that bytes leave in; whole chunks unless given. */
  split: number | undefined
  gate: 'open' | 'hold' | 'discard'
  readonly random: Random | undefined
  readonly passed: Passed
}

interface Queued {
  piece: Piece
  due: number
  /** It leaves in a turn of the event loop of its own, so that the other side reads it by itself. */
  alone?: boolean
  /** With it the whole connection ends. */
  cuts?: boolean
}

/** Ends a connection by a reset, whatever its state. */
export function reset(socket: Socket): void {
  if (socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}

/** One direction of one connection: what comes from the source leaves to the sink, in order, after the rules and the delay. */
export class Pipe {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #flow: Flow
  #stages: Stage[] = []
  #queue: Queued[] = []
  #due = 0
  #ended = false
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  readonly #cut: () => void

  /** @param cut ends what is left of the connection after the sink was ended by a rule */
  constructor(source: Socket, sink: Socket, flow: Flow, rules: Iterable<SetRule>, cut: () => void) {
    this.#source = source
    this.#sink = sink
    this.#flow = flow
    this.#cut = cut
    for (const rule of rules) this.add(rule)
    source.on('data', (chunk: Buffer) => this.#take(chunk))
    source.on('end', () => {
      flow.passed.fins++
      this.#enqueue('fin')
    })
    source.on('error', () => this.#sourceReset())
    sink.on('drain', () => source.resume())
  }

  add(rule: SetRule): void {
    this.#stages.push(new Stage(rule))
  }

  /** The gate or the delay has changed. */
  nudge(): void {
    if (this.#flow.gate === 'discard') this.#queue = []
    // The end of a connection may have been lost on the way; it is noticed now.
    else if (this.#flow.gate === 'open' && this.#queue.length === 0) {
      if (this.#source.destroyed) this.#leave('reset')
      else if (this.#source.readableEnded) this.#leave('fin')
    }
    this.#flush()
  }

  stop(): void {
    this.#ended = true
    this.#queue = []
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
  }

  #take(chunk: Buffer): void {
    if (this.#ended) return
    this.#flow.passed.bytes += chunk.length
    this.#flow.passed.chunks++
    this.#stages = this.#stages.filter((stage) => !stage.idle)
    let bytes = chunk
    let end: Exclude<Piece, Buffer> | undefined
    for (const stage of this.#stages) {
      const pieces = stage.pass(bytes)
      bytes = Buffer.concat(pieces.filter((piece) => typeof piece !== 'string'))
      end = pieces.find((piece) => typeof piece === 'string') ?? end
    }
    if (bytes.length > 0) this.#enqueueBytes(bytes)
    if (end === undefined) return
    this.#enqueue(end, { cuts: true })
    this.#ended = true
  }

  /** What was not delivered before a reset is gone with the connection: nobody sends it again. */
  #sourceReset(): void {
    this.#flow.passed.resets++
    if (this.#flow.gate !== 'open') this.#queue = []
    this.#enqueue('reset')
  }

  #enqueueBytes(bytes: Buffer): void {
    const { split } = this.#flow
    if (split === undefined) return this.#enqueue(bytes)
    for (let at = 0; at < bytes.length; at += split) this.#enqueue(bytes.subarray(at, at + split), { alone: true })
  }

  #enqueue(piece: Piece, how: { alone?: boolean; cuts?: boolean } = {}): void {
    const { delay, jitter, random, gate } = this.#flow
    if (this.#ended || gate === 'discard') return
    const wait = delay + (jitter > 0 && random ? jitter * random() : 0)
    this.#due = Math.max(this.#due, performance.now() + wait)
    this.#queue.push({ piece, due: this.#due, ...how })
    this.#flush()
  }

  #flush(): void {
    if (this.#timer !== undefined || this.#immediate !== undefined) return
    while (this.#flow.gate === 'open') {
      const next = this.#queue[0]
      if (!next) return
      const wait = next.due - performance.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined
          this.#flush()
        }, Math.ceil(wait))
        return
      }
      if (next.alone) return this.#inNextTurn()
      this.#queue.shift()
      this.#leave(next.piece, next.cuts)
    }
  }

  // Between two immediates the event loop looks for what has arrived: a reader in this process reads each piece by itself.
  #inNextTurn(): void {
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined
      const next = this.#flow.gate === 'open' ? this.#queue.shift() : undefined
      if (next) this.#leave(next.piece, next.cuts)
      this.#flush()
    })
  }

  #leave(piece: Piece, cuts = false): void {
    const sink = this.#sink
    if (sink.destroyed || piece === 'hold') return
    if (piece === 'fin') {
      sink.end()
      if (cuts) this.#cut()
    } else if (piece === 'reset') {
      // What was written before is to be read first: for a reader in this process, that takes a turn of the event loop.
      const cut = (): void => {
        reset(sink)
        this.#cut()
      }
      sink.write('', () => void setImmediate(() => void setImmediate(cut)))
    } else if (!sink.write(piece)) this.#source.pause()
  }
}
