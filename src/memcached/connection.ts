import type { Socket } from 'node:net'
import { Server } from 'memjs'
import { NodeError } from '../base/errors.ts'
import { checkReply } from './expect.ts'
import {
  encode,
  MAX_OPAQUE,
  nextOpaque,
  OPCODE,
  ProtocolFault,
  Replies,
  STATUS,
  type Command,
  type Reply,
} from './protocol.ts'
import type { MemcachedTarget } from './url.ts'

/** What is used of memjs's `Server`: it dials, speaks the SASL messages, and owns the socket. */
interface RawServer {
  username: string | undefined
  password: string | undefined
  _socket?: Socket
  sock(sasl: boolean, go: (socket: Socket) => void): void
  responseHandler(bytes: Buffer): void
  saslAuth(): void
  emit(event: 'authenticated'): boolean
  onError(number: number, handler: (error: unknown) => void): void
  error(error: unknown): void
}

interface Exchange {
  readonly commands: readonly Command[]
  /** The opaque number of the command whose reply comes next, and which one that is. */
  opaque: number
  next: number
  readonly replies: Reply[]
  readonly resolve: (replies: Reply[]) => void
  readonly reject: (error: NodeError) => void
}

/** A day, in seconds: memjs's own time-outs would leave callers hanging, so they are set not to fire. */
const NEVER = 86_400
/** Near the end, so that counting past it happens early in every connection's life, not once in two thousand million. */
const FIRST_OPAQUE = MAX_OPAQUE - 500

/**
 * One connection to a memcached server, through one memjs `Server`, used until the first fault and never again.
 *
 * memcached answers in the order in which it was asked. Whatever else arrives (another number, another command, another
 * key, an answer that the command cannot have, bytes that are no reply, anything while nothing is under way) is a fault:
 * everything under way fails, and the socket is reset, so that nothing still waiting in the kernel reaches the server
 * later.
 */
export class Connection {
  /** Resolves when connected and logged in; rejects with the NodeError that ended it before that. */
  readonly opened: Promise<void>
  readonly #address: string
  readonly #server: RawServer
  readonly #login: boolean
  readonly #incoming = new Replies()
  readonly #exchanges: Exchange[] = []
  readonly #onEnd: (error: NodeError) => void
  #socket: Socket | undefined
  #opaque = FIRST_OPAQUE
  #ended: NodeError | undefined
  #failOpening: ((error: NodeError) => void) | undefined

  /** @param onEnd called once, when it has ended, for whatever reason */
  constructor(target: MemcachedTarget, onEnd: (error: NodeError) => void) {
    this.#address = target.address
    this.#onEnd = onEnd
    this.#login = target.credentials !== undefined
    const options = { timeout: NEVER, conntimeout: NEVER, keepAlive: true, keepAliveDelay: 10 }
    const server = new Server(target.host, target.port, undefined, undefined, options) as unknown as RawServer
    this.#server = server
    // memjs takes credentials out of the environment where none are given: what holds is what stands here.
    server.username = target.credentials?.username
    server.password = target.credentials?.password
    server.onError(0, (error) => this.end(unreachable(this.#address, error)))
    server.responseHandler = (bytes) => this.#receive(bytes)
    this.opened = new Promise<void>((resolve, reject) => {
      this.#failOpening = reject
      server.sock(false, (socket) => {
        this.#socket = socket
        this.#failOpening = undefined
        resolve()
      })
    })
    this.opened.catch(() => {})
    server._socket?.setNoDelay(true)
    // memjs does not tell those who wait when the server hangs up; and the socket, left alone, would first finish sending.
    for (const event of ['end', 'close']) {
      server._socket?.once(event, () => this.end(unreachable(this.#address, undefined)))
    }
  }

  /**
   * Sends commands in one write; resolves with their replies in the same order: one each, and for `stat` one per value and
   * an empty one.
   *
   * @throws NodeError
   */
  exchange(commands: readonly Command[]): Promise<Reply[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended || !this.#socket) {
        reject(this.#ended ?? new NodeError('ERR_NODE_DOWN', `${this.#address} is not connected yet`))
        return
      }
      const opaque = this.#opaque
      const bytes = encode(commands, opaque)
      for (let n = commands.length; n > 0; n--) this.#opaque = nextOpaque(this.#opaque)
      this.#exchanges.push({ commands, opaque, next: 0, replies: [], resolve, reject })
      this.#socket.write(bytes)
    })
  }

  /** Ends it at once; all that is under way fails with `error`. Idempotent. */
  end(error: NodeError): void {
    if (this.#ended) return
    this.#ended = error
    const server = this.#server
    server.responseHandler = () => {}
    // Nothing may make this server dial again.
    server.sock = () => {}
    const socket = server._socket
    if (socket && !socket.connecting && !socket.destroyed) socket.resetAndDestroy()
    server.error(error)
    this.#failOpening?.(error)
    for (const { reject } of this.#exchanges.splice(0)) reject(error)
    this.#onEnd(error)
  }

  #receive(bytes: Buffer): void {
    try {
      for (const reply of this.#incoming.push(bytes)) {
        if (this.#socket) this.#accept(reply)
        else this.#greet(reply)
        if (this.#ended) return
      }
      // They would be taken for the beginning of the next reply.
      if (this.#socket && this.#exchanges.length === 0 && this.#incoming.partial) {
        throw new ProtocolFault('bytes of a reply to nothing came')
      }
    } catch (error) {
      const why = error instanceof ProtocolFault ? error.message : 'a reply could not be read'
      this.end(new NodeError('ERR_NODE_DOWN', `${this.#address} broke the protocol: ${why}; reconnecting`))
    }
  }

  /** A reply of the login, the messages of which memjs sends. */
  #greet({ opcode, status, opaque, value }: Reply): void {
    if (!this.#login || opaque !== 0) throw new ProtocolFault('a reply to nothing came')
    if (opcode === OPCODE.mechanisms && status === STATUS.ok) {
      if (value.toString('latin1').split(' ').includes('PLAIN')) this.#server.saslAuth()
      else this.end(new NodeError('ERR_AUTH', `${this.#address} offers no SASL mechanism PLAIN`))
    } else if (opcode === OPCODE.login && status === STATUS.ok) {
      this.#server.emit('authenticated')
    } else if (status === STATUS.unknownCommand) {
      const text = `${this.#address} knows no login (SASL); leave the user name and the password out, or switch SASL on`
      this.end(new NodeError('ERR_AUTH', text))
    } else if (status === STATUS.noLogin) {
      this.end(new NodeError('ERR_AUTH', `${this.#address} refused the user name or the password`))
    } else {
      throw new ProtocolFault('the login was answered with something else')
    }
  }

  #accept(reply: Reply): void {
    const exchange = this.#exchanges[0]
    const command = exchange?.commands[exchange.next]
    if (!exchange || !command) throw new ProtocolFault('a reply to nothing came')
    checkReply(reply, command, exchange.opaque)
    if (reply.status === STATUS.noLogin) {
      const text = this.#login ? 'no longer accepts the login' : 'asks for a user name and a password'
      this.end(new NodeError('ERR_AUTH', `${this.#address} ${text}`))
      return
    }
    exchange.replies.push(reply)
    const more = command.opcode === OPCODE.stat && reply.status === STATUS.ok && reply.keyLength > 0
    if (more) return
    exchange.opaque = nextOpaque(exchange.opaque)
    exchange.next++
    if (exchange.next < exchange.commands.length) return
    this.#exchanges.shift()
    exchange.resolve(exchange.replies)
  }
}

/** Socket errors are told by their code alone: the rest may hold anything. */
function unreachable(address: string, error: unknown): NodeError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined
  const why = code === undefined ? 'the server closed the connection' : code
  return new NodeError('ERR_NODE_DOWN', `${address} cannot be reached: ${why}`)
}
