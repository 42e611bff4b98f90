import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach } from 'vitest'
import { until } from '../support/servers.ts'
import { startProxy, type Proxy, type ProxyOptions } from './proxy.ts'

export const TEXT = 'abcdefghij'

/** A client of a proxy. */
export interface Client {
  readonly socket: Socket
  readonly text: string
  readonly chunks: readonly string[]
  /** `fin`, an error's code, or nothing while it is open. */
  readonly ended: string | undefined
  send(text?: string): void
}

/** A server that answers each chunk with itself, new for each test. */
export class Echo {
  port = 0
  heard = ''
  /** How its connections ended: `fin`, or an error's code. */
  endings: string[] = []
  readonly #proxies: Proxy[] = []
  readonly #clients: Socket[] = []
  #server: Server | undefined

  /** Has it run in each test of a file. */
  static use(): Echo {
    const echo = new Echo()
    beforeEach(() => echo.#start())
    afterEach(() => echo.#stop())
    return echo
  }

  /** A proxy before it, or before another port, stopped when the test ends. */
  async proxy(options?: ProxyOptions, target: number = this.port): Promise<Proxy> {
    const proxy = await startProxy(target, options)
    this.#proxies.push(proxy)
    return proxy
  }

  connect(proxy: Proxy): Client {
    const chunks: string[] = []
    const socket = createConnection({ port: proxy.port, host: '127.0.0.1', noDelay: true })
    this.#clients.push(socket)
    let ended: string | undefined
    socket.on('data', (chunk) => chunks.push(String(chunk)))
    socket.on('end', () => (ended ??= 'fin'))
    socket.on('error', (error: NodeJS.ErrnoException) => (ended = error.code))
    return {
      socket,
      chunks,
      get text() {
        return chunks.join('')
      },
      get ended() {
        return ended
      },
      send: (text = TEXT) => void socket.write(text),
    }
  }

  async #start(): Promise<void> {
    this.heard = ''
    this.endings = []
    const server = createServer((socket) => {
      socket.on('data', (chunk) => {
        this.heard += String(chunk)
        socket.write(chunk)
      })
      socket.on('end', () => this.endings.push('fin'))
      socket.on('error', (error: NodeJS.ErrnoException) => this.endings.push(error.code ?? ''))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#server = server
    this.port = (server.address() as { port: number }).port
  }

  async #stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy()
    await Promise.all(this.#proxies.splice(0).map((proxy) => proxy.stop()))
    await new Promise((resolve) => this.#server?.close(resolve))
  }
}

/** Sends, and waits for exactly this reply. */
export async function talk(client: Client, text: string = TEXT, reply: string = text): Promise<void> {
  const before = client.text
  client.send(text)
  await until(() => client.text === before + reply, `${JSON.stringify(reply)} after ${JSON.stringify(before)}`)
}
