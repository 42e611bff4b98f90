import { isIP, Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { RedisTlsOptions } from './tls.ts'

/** Where to connect to, of the options of an ioredis client. */
export interface Place {
  readonly host: string
  readonly port: number
  /** Absent: plain text. */
  readonly tls?: RedisTlsOptions | undefined
}

/**
 * What makes the connections of an ioredis client of our own (its option `Connector`), in place of ioredis' connectors:
 * all of them end by a TCP reset, with TLS too. After an ordinary close the kernel goes on sending what is in its buffers,
 * and a write that was given up could arrive after a later delete.
 */
export class ResettingConnector {
  /** Why the newest attempt failed; ioredis tells it. */
  firstError: Error | undefined
  readonly #place: Place
  #raw: Socket | undefined

  constructor(place: Place) {
    this.#place = place
  }

  /**
   * Resolves with a connection that is up, its certificate checked; or with one that is destroyed, which ioredis takes for
   * an attempt that failed. It never rejects: ioredis would give up for good.
   */
  async connect(): Promise<Socket> {
    const { host, port, tls } = this.#place
    this.firstError = undefined
    const raw = new Socket()
    this.#raw = raw
    try {
      await established(raw.connect({ host, port, noDelay: true }), 'connect')
      resetOnDestroy(raw)
      const stream = tls ? connectTls({ ...sni(host), ...(tls as ConnectionOptions), host, socket: raw }) : raw
      if (stream !== raw) await established(stream, 'secureConnect')
      // When the peer hangs up, Node would end the connection in the ordinary way; after a damaged TLS record, not at all.
      for (const event of ['end', 'error']) stream.once(event, () => raw.destroy())
      return stream
    } catch (error) {
      this.firstError = error as Error
      return raw.destroy()
    }
  }

  /** Ends the connection, or the attempt to make one. */
  disconnect(): void {
    this.#raw?.destroy()
  }

  /** What ioredis asks about a server it has connected to. */
  check(): boolean {
    return true
  }
}

/** Rejects when the socket is closed before. Errors that come later are told by "close". */
function established(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.once('close', () => reject(new Error('Connection is closed.')))
    socket.once(event, resolve)
  })
}

/**
 * Makes every end of a socket a reset, whoever destroys it: TLS does after a damaged record. What is destroyed because of
 * an error of its own has no connection any more; and a reset after `end()` is refused by libuv, with a handle left that
 * keeps the process alive.
 */
function resetOnDestroy(raw: Socket): void {
  const destroy = raw.destroy.bind(raw)
  raw.destroy = (error) => {
    raw.destroy = destroy
    return error || raw.destroyed || raw.writableEnded ? destroy(error) : raw.resetAndDestroy()
  }
}

/** Node sends no server name by itself; servers that share an address need it. */
function sni(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {}
}
