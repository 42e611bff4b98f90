import { createConnection, createServer, type Socket } from 'node:net'

/** A TCP relay on a port of its own, which sees how its clients end their connections. */
export interface Relay {
  readonly port: number
  /** How many connections it has taken. */
  readonly taken: number
  /** How many bytes its clients have said. */
  readonly heard: number
  /** How the clients ended theirs: by a reset, or in the ordinary way. */
  readonly ends: readonly ('reset' | 'fin')[]
  /** Puts bytes before the next ones that a server sends. */
  insert(bytes: string): void
  /** Sends bytes to every client now. */
  say(bytes: string): void
  /** Swallows all that is said, on old and new connections, until `answer`. */
  swallow(): void
  answer(): void
  stop(): Promise<void>
}

export async function startRelay(to: number): Promise<Relay> {
  const sockets = new Map<Socket, 'client' | 'server'>()
  const ends: ('reset' | 'fin')[] = []
  let swallowing = false
  let taken = 0
  let heard = 0
  let inserted = ''

  const server = createServer({ allowHalfOpen: true }, (client) => {
    taken++
    const upstream = createConnection(to, '127.0.0.1')
    const pass = (from: Socket, into: Socket, kind: 'client' | 'server'): void => {
      sockets.set(from, kind)
      from.setNoDelay(true)
      from.once('close', () => {
        sockets.delete(from)
        into.destroy()
      })
      from.on('data', (bytes: Buffer) => {
        if (kind === 'client') heard += bytes.length
        if (swallowing) return
        if (kind === 'server' && inserted !== '') bytes = Buffer.concat([Buffer.from(inserted), bytes])
        if (kind === 'server') inserted = ''
        into.write(bytes)
      })
    }
    pass(client, upstream, 'client')
    pass(upstream, client, 'server')
    upstream.on('error', () => {})
    let ended = false
    const end = (how: 'reset' | 'fin'): void => {
      if (!ended) ends.push(how)
      ended = true
      client.destroy()
    }
    client.on('error', () => end('reset'))
    // A reset that comes together with bytes looks like this, too; nothing can be written then.
    client.once('end', () => client.write('x', (error) => end(error ? 'reset' : 'fin')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    get taken() {
      return taken
    },
    get heard() {
      return heard
    },
    ends,
    insert: (bytes) => (inserted = bytes),
    say(bytes) {
      for (const [socket, kind] of sockets) if (kind === 'client') socket.write(bytes)
    },
    swallow: () => void (swallowing = true),
    answer: () => void (swallowing = false),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets.keys()) socket.destroy()
      }),
  }
}
