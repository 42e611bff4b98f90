import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authority } from '../../redis/certificates.ts'
import type { TestServer } from '../../support/servers.ts'
import { openNamespace, type Namespace } from '../netns.ts'

/** Which client speaks to which server, and how. */
export type Way = 'redis5' | 'redis6' | 'redis5-tls' | 'redis6-tls' | 'memcached'

/** A server behind a cable of its own. */
export interface Venue {
  readonly way: Way
  readonly namespace: Namespace
  readonly server: TestServer
  /** Where clients connect to. */
  readonly port: number
  /** The authority of the server's certificate, as PEM; absent for plain text. */
  readonly ca: string | undefined
  close(): Promise<void>
}

const TLS_PORT = 7379

/**
 * Starts a server in a network of its own. With TLS it is the redis-server itself that speaks it.
 *
 * @param memcachedArgs more arguments for memcached
 */
export async function openVenue(way: Way, memcachedArgs: readonly string[] = []): Promise<Venue> {
  const namespace = openNamespace()
  const folder = mkdtempSync(join(tmpdir(), 'sharded-cache-tls-'))
  const close = async (): Promise<void> => {
    await namespace.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    if (way === 'memcached') {
      const server = await namespace.startMemcached({ args: memcachedArgs })
      return { way, namespace, server, port: server.port, ca: undefined, close }
    }
    if (!way.endsWith('-tls')) {
      const server = await namespace.startRedis()
      return { way, namespace, server, port: server.port, ca: undefined, close }
    }
    const authority = new Authority('test authority')
    const { cert, key } = authority.issue('localhost', namespace.host)
    const files = { 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': authority.cert }
    const args = Object.entries(files).flatMap(([option, text]) => {
      writeFileSync(join(folder, option), text)
      return [`--${option}`, join(folder, option)]
    })
    const server = await namespace.startRedis({
      args: ['--tls-port', `${TLS_PORT}`, '--tls-auth-clients', 'no', ...args],
    })
    return { way, namespace, server, port: TLS_PORT, ca: authority.cert, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Looks at a server directly, over a bare connection that no client library has a part in. */
export class Lookout {
  readonly #server: TestServer
  readonly #socket: Socket
  #received = ''
  #arrived: (() => void) | undefined
  #failed: Error | undefined

  /** The server must be reachable. */
  constructor(server: TestServer) {
    this.#server = server
    this.#socket = connect({ port: server.port, host: server.host, noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text) => {
      this.#received += String(text)
      this.#arrived?.()
    })
    this.#socket.on('error', (error) => (this.#failed = error))
    this.#socket.on('close', () => {
      this.#failed ??= new Error('the connection that looks at the server was closed')
      this.#arrived?.()
    })
  }

  /** Which of the keys are there. */
  async look(keys: readonly string[]): Promise<boolean[]> {
    const redis = this.#server.kind === 'redis'
    const command = redis ? 'EXISTS' : 'mg'
    const lines = await this.#ask(
      keys.map((key) => `${command} ${key}\r\n`).join(''),
      (received) => received.filter((line) => line !== '').length >= keys.length,
    )
    const [there, absent] = redis ? [':1', ':0'] : ['HD', 'EN']
    return lines.map((line) => {
      if (line !== there && line !== absent) throw new Error(`the server answered ${line}`)
      return line === there
    })
  }

  /** How many writes the server has done since it started. */
  async writes(): Promise<number> {
    const [command, last, count] =
      this.#server.kind === 'redis'
        ? ['INFO commandstats\r\nPING\r\n', '+PONG', /cmdstat_set:calls=(\d+)/]
        : ['stats\r\n', 'END', /STAT cmd_set (\d+)/]
    const lines = await this.#ask(command, (received) => received.at(-1) === last)
    return Number(count.exec(lines.join('\n'))?.[1] ?? 0)
  }

  close(): void {
    this.#socket.destroy()
  }

  async #ask(text: string, complete: (lines: readonly string[]) => boolean): Promise<string[]> {
    this.#received = ''
    this.#socket.write(text)
    for (;;) {
      if (this.#failed) throw this.#failed
      const lines = this.#received.split('\r\n')
      if (lines.pop() === '' && lines.length > 0 && complete(lines)) return lines
      await new Promise<void>((resolve) => (this.#arrived = resolve))
    }
  }
}
