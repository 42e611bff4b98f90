import { createConnection, createServer, type Socket } from 'node:net'

/** A server that asks for a SASL login in memcached's binary protocol, then passes everything on to a real memcached. */
export interface SaslServer {
  readonly port: number
  /** The opcodes that came before a login, in order. */
  readonly greeted: readonly number[]
  stop(): Promise<void>
}

export interface SaslOptions {
  username: string
  password: string
  /** What it offers; `PLAIN` unless given. */
  mechanisms?: string
}

const NO_LOGIN = 0x20

/**
 * Starts a stand-in for `memcached -S`, which Debian's memcached does not support: LIST MECHANISMS (0x20) and PLAIN
 * login (0x21), and status 0x20 and a closed connection for every other command before that.
 */
export async function startSasl(backendPort: number, options: SaslOptions): Promise<SaslServer> {
  const { username, password, mechanisms = 'PLAIN' } = options
  const expected = `\0${username}\0${password}`
  const greeted: number[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  }
  const server = createServer((socket) => {
    keep(socket)
    let waiting = Buffer.alloc(0)
    const greet = (bytes: Buffer): void => {
      waiting = Buffer.concat([waiting, bytes])
      while (waiting.length >= 24 && waiting.length >= 24 + waiting.readUInt32BE(8)) {
        const request = waiting.subarray(0, 24 + waiting.readUInt32BE(8))
        waiting = waiting.subarray(request.length)
        const opcode = request.readUInt8(1)
        greeted.push(opcode)
        const keyEnd = 24 + request.readUInt16BE(2)
        if (opcode === 0x20) {
          socket.write(reply(request, 0, mechanisms))
        } else if (opcode === 0x21) {
          const right =
            request.toString('utf8', 24, keyEnd) === 'PLAIN' && request.toString('utf8', keyEnd) === expected
          socket.write(reply(request, right ? 0 : NO_LOGIN, right ? 'Authenticated' : 'Auth failure'))
          if (!right) continue
          socket.off('data', greet)
          const backend = createConnection(backendPort, '127.0.0.1')
          keep(backend)
          backend.once('close', () => socket.destroy())
          socket.once('close', () => backend.destroy())
          if (waiting.length > 0) backend.write(waiting)
          socket.pipe(backend)
          backend.pipe(socket)
          return
        } else {
          socket.end(reply(request, NO_LOGIN, 'Auth failure'))
          return
        }
      }
    }
    socket.on('data', greet)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    greeted,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function reply(request: Buffer, status: number, text: string): Buffer {
  const bytes = Buffer.alloc(24 + text.length)
  bytes.writeUInt8(0x81, 0)
  bytes.writeUInt8(request.readUInt8(1), 1)
  bytes.writeUInt16BE(status, 6)
  bytes.writeUInt32BE(text.length, 8)
  request.copy(bytes, 12, 12, 16)
  bytes.write(text, 24, 'latin1')
  return bytes
}
