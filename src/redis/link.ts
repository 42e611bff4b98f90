import { NodeError } from '../base/errors.ts'
import type { NodeIdentity } from '../node/contract.ts'
import type { Client } from './client.ts'
import { isProtocolFault, toNodeError } from './errors.ts'
import { identify, type Answer } from './identify.ts'
import type { ClientSource, LinkSettings, LinkState } from './link-settings.ts'
import { Pace } from './pace.ts'
import { readsRows } from './reader.ts'
import type { Fit } from './replies.ts'
import { Row, sendRow, type RowAsker, type RowShape } from './row.ts'
import { Watchdog, within } from './timers.ts'
import { Underway } from './underway.ts'
import { Waiters } from './waiters.ts'

/** When the server is asked again who it is, on a connection where it would not tell; and where it was not ready. */
const ASK_AGAIN = 1_000
const ASK_UNREADY_AGAIN = 250
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
  readonly #settings: LinkSettings
  readonly #underway = new Underway()
  readonly #waiters = new Waiters()
  readonly #pace = new Pace()
  /** Sees to it that a connection is given up on which the server says nothing. */
  readonly #watchdog: Watchdog
  readonly #listeners: Readonly<Record<string, (error: unknown) => void>>
  #state: LinkState
  /** Rises when a connection ends, so that a late answer from it is told from one of the next. */
  #epoch = 0
  #asking = -1
  #lastError: unknown
  /** We dropped the connection, and the client has yet to notice; how to go on then. */
  #dropped: 'at once' | 'later' | undefined
  #askAgain: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(source: ClientSource, settings: LinkSettings) {
    this.#settings = settings
    this.#epoch++ // Not for the first time when the server fails; see Calls.
    this.#watchdog = new Watchdog(settings.connectTimeout, () => this.#drop(this.#silence()))
    this.#own = source.kind === 'own'
    this.#db = source.kind === 'own' ? source.db : 0
    const retryDelay = (): number =>
      this.#dropped === 'at once' ? 0 : this.#pace.retry(this.#loginRefusal() !== undefined)
    this.#client = source.kind === 'own' ? source.open(retryDelay, () => this.#broken(this.#epoch)) : source.client
    this.#state = { kind: 'down', error: this.#down('not connected yet') }
    this.#listeners = {
      ...(this.#own ? { connecting: () => this.#watchdog.start() } : {}),
      connect: () => (this.#lastError = undefined),
      ready: () => void this.#ask(),
      close: () => this.#lost(),
      end: () => this.#ended(),
      error: (error) => this.#troubled(error),
    }
    for (const [event, listener] of Object.entries(this.#listeners)) this.#client.on(event, listener)
  }

  /** The number of the connection: what was learnt of one need not hold for the next. */
  get epoch(): number {
    return this.#epoch
  }

  /**
   * Runs a command, and takes its reply if it fits. Rejects at once when the server cannot be reached, and as soon as the
   * connection ends.
   */
  run<T>(command: (client: Client) => Promise<unknown>, fit: Fit<T>): Promise<T> {
    const refusal = this.#refusal()
    if (refusal) return Promise.reject(refusal)
    const epoch = this.#epoch
    return this.#underway.wait(command(this.#client), fit, () => this.#broken(epoch))
  }

  /** Whether it takes rows on the present connection; see {@link Link.send}. */
  get rows(): boolean {
    return this.#own && readsRows(this.#client)
  }

  /**
   * Sends a row of commands, as {@link Link.run} does. Tells one of both, once.
   *
   * @param bytes the commands as they go over the wire
   */
  send<T>(shape: RowShape<T>, bytes: Buffer | string, asker: RowAsker<T>): void {
    const refusal = this.#refusal()
    if (refusal) asker.refused(refusal)
    else sendRow(this.#client, this.#underway.add(new Row(shape, asker)), bytes)
  }

  #refusal(): NodeError | undefined {
    if (this.#state.kind !== 'ready') {
      if (this.#client.status === 'wait') this.#start()
      return this.#state.error
    }
    // A borrowed client would queue the command and send it later.
    return this.#client.status === 'ready' ? undefined : this.#down('there is no connection')
  }

  /** Resolves when the server has said who it is; rejects with a NodeError, at the latest after `connectTimeout`. */
  connect(): Promise<NodeIdentity> {
    const state = this.#state
    // Between two attempts to log in the refusal is the answer: who waits for less than the pause would call it silence.
    const refused = state.kind === 'down' && state.error.code === 'ERR_AUTH' && this.#client.status === 'reconnecting'
    if (state.kind === 'closed' || refused) return Promise.reject(state.error)
    const answer = this.#waiters.wait(this.#settings.connectTimeout, () => this.#silence())
    this.#start()
    return answer
  }

  /**
   * Gives up what is under way; a connection of our own on which something may be is dropped and built anew. One that is
   * only being made goes on: nothing hangs on it, and it has its time-out.
   */
  reset(): void {
    if (this.#state.kind === 'closed') return
    const error = this.#down('the connection was dropped')
    if (this.#own && (this.#state.kind === 'ready' || !this.#underway.empty)) this.#drop(error)
    else this.#underway.giveUp(error)
  }

  /** The server answered READONLY: after a failover, its name may lead to another one. */
  readonly(): void {
    if (!this.#own || this.#state.kind !== 'ready' || !this.#pace.mayLeaveReplica()) return
    this.#drop(this.#down('it has become a replica, and its name is looked up again'))
  }

  /** Idempotent; settles within half a second, whatever the server does. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const identified = this.#state.kind === 'ready' && this.#client.status === 'ready'
    const error = new NodeError('ERR_NODE_DOWN', `${this.#settings.peer.address} was closed`)
    this.#state = { kind: 'closed', error }
    this.#clearTimers()
    this.#waiters.tell(error)
    if (this.#own) {
      if (identified) await within(QUIT_TIMEOUT, this.#client.quit())
      if (this.#client.status !== 'end') this.#client.disconnect()
    } else {
      for (const [event, listener] of Object.entries(this.#listeners)) this.#client.off(event, listener)
    }
    this.#underway.giveUp(error)
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
    // What goes wrong comes as "error" and "close".
    else if (status === 'wait') this.#client.connect().catch(() => {})
    else if (status === 'end') this.#ended()
  }

  /** Asks the server who it is, and opens the way for commands. */
  async #ask(): Promise<void> {
    const epoch = this.#epoch
    if (this.#isClosed() || this.#asking === epoch) return
    this.#asking = epoch
    // On a connection that serves, the deadlines of the commands tell that it is dead.
    if (this.#own && this.#state.kind !== 'ready') this.#watchdog.start()
    const answer = await identify(this.#client, this.#db, this.#settings.peer)
    if (this.#asking === epoch) this.#asking = -1
    if (this.#epoch !== epoch || this.#isClosed()) return
    this.#clearTimers()
    this.#answered(answer)
  }

  #answered(answer: Answer): void {
    const login = this.#loginRefusal()
    if (login) this.#refused(login)
    else if (answer.kind === 'unfit') this.#broken(this.#epoch)
    else if (answer.kind === 'failed') this.#unidentified(answer.failure)
    else {
      this.#settings.identified(answer.identity)
      this.#state = { kind: 'ready' }
      this.#pace.succeeded()
      this.#waiters.tell(answer.identity)
    }
  }

  #unidentified(failure: unknown): void {
    const error = toNodeError(failure, this.#settings.peer)
    // The end of the connection is about to be told by "close"; what then follows is the answer to those who wait.
    if (error.code === 'ERR_NODE_DOWN') this.#lastError ??= failure
    else this.#fail(error)
    this.#askLater(error)
  }

  /** The server is there, but this connection serves nothing. */
  #refused(error: NodeError): void {
    this.#fail(error)
    this.#askLater(error)
  }

  #askLater({ code }: NodeError): void {
    clearTimeout(this.#askAgain)
    const pause = code === 'ERR_NODE_UNREADY' ? ASK_UNREADY_AGAIN : ASK_AGAIN
    this.#askAgain = setTimeout(() => this.#start(), pause).unref()
  }

  #clearTimers(): void {
    clearTimeout(this.#askAgain)
    this.#watchdog.stop()
  }

  /** A reply does not fit its command, so those that follow belong to other commands, too. */
  #broken(epoch: number): void {
    if (this.#epoch !== epoch || this.#isClosed()) return
    const what = `${this.#settings.peer.address} broke the protocol: a reply fits no command`
    if (this.#own) {
      this.#drop(new NodeError('ERR_NODE_DOWN', `${what}; reconnecting`))
      return
    }
    const error = new NodeError('ERR_NODE_DOWN', `${what}; its client is the application's, and is not reset`)
    this.#underway.giveUp(error)
    // Nothing goes through until the question who the server is finds an answer that fits.
    this.#refused(error)
  }

  /** Resets a connection of our own, and only then tells those whose commands it carried. */
  #drop(error: NodeError): void {
    const { status } = this.#client
    if (this.#dropped === undefined && (status === 'connecting' || status === 'connect' || status === 'ready')) {
      const served = this.#state.kind === 'ready'
      this.#dropped = served && this.#pace.mayHurry() ? 'at once' : 'later'
      this.#epoch++
      this.#clearTimers()
      this.#client.disconnect(true)
      if (served) this.#state = { kind: 'down', error }
      else this.#fail(error)
    }
    this.#underway.giveUp(error)
  }

  #lost(): void {
    const state = this.#state
    if (state.kind === 'closed') return
    const error =
      this.#dropped && state.kind === 'down' ? state.error : toNodeError(this.#lastError, this.#settings.peer)
    const waitOn = this.#dropped !== undefined || state.kind === 'ready'
    this.#dropped = undefined
    this.#lastError = undefined
    this.#epoch++
    this.#clearTimers()
    this.#underway.giveUp(error)
    // The end of a connection that served is no answer to those who wait for the next one.
    if (waitOn) this.#state = { kind: 'down', error }
    else this.#fail(error)
  }

  /** The application closed its client. One of our own never gives up. */
  #ended(): void {
    if (!this.#isClosed()) this.#fail(this.#down('the client that was passed in has been closed'))
  }

  /** The client's "error" event: also when something that arrived on a connection that serves cannot be read. */
  #troubled(error: unknown): void {
    this.#lastError = error
    if (this.#own && this.#state.kind === 'ready' && isProtocolFault(error)) this.#broken(this.#epoch)
  }

  #fail(error: NodeError): void {
    this.#state = { kind: 'down', error }
    this.#waiters.tell(error)
  }

  #loginRefusal(): NodeError | undefined {
    if (this.#lastError === undefined) return undefined
    const error = toNodeError(this.#lastError, this.#settings.peer)
    return error.code === 'ERR_AUTH' ? error : undefined
  }

  #isClosed(): boolean {
    return this.#state.kind === 'closed'
  }

  #silence(): NodeError {
    return this.#down(`no answer within ${this.#settings.connectTimeout} ms`)
  }

  #down(why: string): NodeError {
    return new NodeError('ERR_NODE_DOWN', `${this.#settings.peer.address} cannot be reached: ${why}`)
  }
}
