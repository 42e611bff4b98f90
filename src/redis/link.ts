import { NodeError } from '../base/errors.ts'
import type { NodeIdentity } from '../node/contract.ts'
import { dropStream, type Client } from './client.ts'
import { toNodeError, type Peer } from './errors.ts'
import { identify } from './identify.ts'

/** How a link comes by its client: it makes one and owns it, or it borrows the application's. */
export type ClientSource =
  | {
      readonly kind: 'own'
      /** The database to be in; checked on every connection. */
      readonly db: number
      open(retryDelay: () => number, onReadonly: () => boolean): Client
    }
  | { readonly kind: 'borrowed'; readonly client: Client }

type State =
  | { readonly kind: 'down'; readonly error: NodeError }
  | { readonly kind: 'ready' }
  | { readonly kind: 'closed'; readonly error: NodeError }

/** The longest pause between two attempts to connect, in milliseconds; and where the server refuses the login. */
const MAX_RETRY = 250
const REFUSED_RETRY = 1_000
/** How often the server is asked again who it is, on a connection where it would not tell. */
const ASK_AGAIN = 1_000
/** The least time between two connections built anew because of READONLY. */
const READONLY_PAUSE = 1_000
/** How long `close` waits for what is under way. */
const QUIT_TIMEOUT = 500

/**
 * The connection to one Redis server. Commands go through only after the server has said on this very connection who it
 * is: ioredis calls itself ready before that, version 5 even before the login was answered.
 */
export class Link {
  readonly #client: Client
  readonly #own: boolean
  readonly #db: number
  readonly #peer: Peer
  readonly #connectTimeout: number
  readonly #pending = new Set<(error: NodeError) => void>()
  readonly #waiters = new Set<(outcome: NodeIdentity | NodeError) => void>()
  readonly #listeners: Readonly<Record<string, (error: unknown) => void>>
  #state: State
  /** Rises when a connection ends, so that a late answer from it is told from one of the next. */
  #epoch = 0
  #asking = -1
  #lastError: unknown
  #failures = 0
  /** We dropped the connection, and the client has yet to notice. */
  #dropped = false
  #askAgain: NodeJS.Timeout | undefined
  #readonlyAt = -Infinity
  #closing: Promise<void> | undefined

  constructor(source: ClientSource, peer: Peer, connectTimeout: number) {
    this.#peer = peer
    this.#connectTimeout = connectTimeout
    this.#own = source.kind === 'own'
    this.#db = source.kind === 'own' ? source.db : 0
    this.#client =
      source.kind === 'own'
        ? source.open(
            () => this.#retryDelay(),
            () => this.#readonly(),
          )
        : source.client
    this.#state = { kind: 'down', error: this.#down('not connected yet') }
    this.#listeners = {
      connect: () => (this.#lastError = undefined),
      ready: () => void this.#ask(),
      close: () => this.#lost(),
      end: () => this.#ended(),
      error: (error) => (this.#lastError = error),
    }
    for (const [event, listener] of Object.entries(this.#listeners)) this.#client.on(event, listener)
  }

  /** The number of the connection: what was learnt of one need not hold for the next. */
  get epoch(): number {
    return this.#epoch
  }

  /** Runs a command. Rejects at once when the server cannot be reached, and as soon as the connection ends. */
  run<T>(command: (client: Client) => Promise<T>): Promise<T> {
    if (this.#state.kind !== 'ready') {
      if (this.#client.status === 'wait') this.#start()
      return Promise.reject(this.#state.error)
    }
    // A borrowed client would queue the command and send it later.
    if (this.#client.status !== 'ready') return Promise.reject(this.#down('there is no connection'))
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      command(this.#client).then(
        (reply) => {
          this.#pending.delete(reject)
          resolve(reply)
        },
        (error: Error) => {
          this.#pending.delete(reject)
          reject(error)
        },
      )
    })
  }

  /** Resolves when the server has said who it is; rejects with a NodeError, at the latest after `connectTimeout`. */
  connect(): Promise<NodeIdentity> {
    const state = this.#state
    if (state.kind === 'closed') return Promise.reject(state.error)
    return new Promise((resolve, reject) => {
      const settle = (outcome: NodeIdentity | NodeError): void => {
        clearTimeout(timer)
        this.#waiters.delete(settle)
        if (outcome instanceof NodeError) reject(outcome)
        else resolve(outcome)
      }
      const late = this.#down(`no answer within ${this.#connectTimeout} ms`)
      const timer = setTimeout(settle, this.#connectTimeout, late)
      this.#waiters.add(settle)
      this.#start()
    })
  }

  /** Gives up what is under way; a connection of our own is dropped and built anew. */
  reset(): void {
    if (this.#state.kind === 'closed') return
    const error = this.#down('the connection was dropped')
    const { stream, status } = this.#client
    const live = status === 'ready' || status === 'connect' || status === 'connecting'
    if (this.#own && live && stream && !stream.destroyed) {
      this.#epoch++
      this.#state = { kind: 'down', error }
      this.#dropped = true
      dropStream(this.#client)
    }
    this.#giveUp(error)
  }

  /** Idempotent; settles within half a second, whatever the server does. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const identified = this.#state.kind === 'ready' && this.#client.status === 'ready'
    const error = new NodeError('ERR_NODE_DOWN', `${this.#peer.address} was closed`)
    this.#state = { kind: 'closed', error }
    clearTimeout(this.#askAgain)
    for (const settle of this.#waiters) settle(error)
    if (!this.#own) {
      for (const [event, listener] of Object.entries(this.#listeners)) this.#client.off(event, listener)
      this.#giveUp(error)
      return
    }
    if (identified) await within(QUIT_TIMEOUT, this.#client.quit())
    this.#giveUp(error)
    dropStream(this.#client)
    if (this.#client.status !== 'end') this.#client.disconnect()
  }

  /**
   * Brings the connection a step further, where the client does not do so by itself. While it is "reconnecting" its timer
   * is left to fire: a `connect()` beside it would leave a timer that nobody can stop, and a connection after `close`.
   */
  #start(): void {
    // The next connection is begun when the client has noticed the end of this one.
    if (this.#dropped) return
    const { status } = this.#client
    if (status === 'ready') void this.#ask()
    else if (status === 'wait' || (status === 'end' && this.#own)) this.#connect()
    else if (status === 'end') this.#fail(this.#down('the client that was passed in has been closed'))
  }

  #connect(): void {
    // What goes wrong comes as "error" and "close".
    this.#client.connect().catch(() => {})
  }

  /** Asks the server who it is, and opens the way for commands. */
  async #ask(): Promise<void> {
    const epoch = this.#epoch
    if (this.#state.kind === 'closed' || this.#asking === epoch) return
    this.#asking = epoch
    const answer = await identify(this.#client, this.#db, this.#peer)
    if (this.#asking === epoch) this.#asking = -1
    if (this.#epoch !== epoch || this.#isClosed()) return
    const login = this.#loginRefusal()
    if (login) this.#refused(login)
    else if ('failure' in answer) this.#unidentified(answer.failure)
    else {
      this.#state = { kind: 'ready' }
      this.#failures = 0
      for (const settle of this.#waiters) settle(answer)
    }
  }

  #unidentified(failure: unknown): void {
    const error = toNodeError(failure, this.#peer)
    if (error.code !== 'ERR_NODE_DOWN') {
      this.#refused(error)
      return
    }
    // The end of the connection is about to be told by "close"; what then follows is the answer to those who wait.
    this.#lastError ??= failure
    this.#askLater()
  }

  /** The server is there, but this connection serves nothing. */
  #refused(error: NodeError): void {
    this.#fail(error)
    this.#askLater()
  }

  #askLater(): void {
    clearTimeout(this.#askAgain)
    this.#askAgain = setTimeout(() => this.#start(), ASK_AGAIN)
    this.#askAgain.unref()
  }

  #lost(): void {
    if (this.#isClosed()) return
    const served = this.#dropped || this.#state.kind === 'ready'
    const error = toNodeError(this.#lastError, this.#peer)
    this.#dropped = false
    this.#lastError = undefined
    this.#epoch++
    clearTimeout(this.#askAgain)
    this.#giveUp(error)
    // The end of a connection that served is no answer to those who wait for the next one.
    if (served) this.#state = { kind: 'down', error }
    else this.#fail(error)
  }

  /** The client gave up for good: ioredis does when a connection cannot even be begun, or when the application closes it. */
  #ended(): void {
    const state = this.#state
    if (state.kind === 'closed') return
    if (!this.#own) this.#fail(this.#down('the client that was passed in has been closed'))
    else if (state.kind === 'down' && this.#lastError === undefined) this.#refused(state.error)
    else this.#refused(toNodeError(this.#lastError, this.#peer))
  }

  #fail(error: NodeError): void {
    this.#state = { kind: 'down', error }
    for (const settle of this.#waiters) settle(error)
  }

  /** Settles what is under way, also where the client would keep it waiting. */
  #giveUp(error: NodeError): void {
    for (const reject of this.#pending) reject(error)
    this.#pending.clear()
  }

  #retryDelay(): number {
    if (this.#dropped) return 0
    const longest = this.#loginRefusal() ? REFUSED_RETRY : Math.min(MAX_RETRY, 25 * ++this.#failures)
    return Math.ceil(longest * (0.5 + Math.random() / 2))
  }

  #loginRefusal(): NodeError | undefined {
    if (this.#lastError === undefined) return undefined
    const error = toNodeError(this.#lastError, this.#peer)
    return error.code === 'ERR_AUTH' ? error : undefined
  }

  #readonly(): boolean {
    const now = performance.now()
    if (now - this.#readonlyAt < READONLY_PAUSE) return false
    this.#readonlyAt = now
    return true
  }

  #isClosed(): boolean {
    return this.#state.kind === 'closed'
  }

  #down(why: string): NodeError {
    return new NodeError('ERR_NODE_DOWN', `${this.#peer.address} cannot be reached: ${why}`)
  }
}

/** Waits for something that may fail or hang. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([work.catch(() => {}), late])
  clearTimeout(timer)
}
