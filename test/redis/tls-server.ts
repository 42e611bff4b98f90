import { connect, type AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { Authority } from './certificates.ts'

/** What ends TLS before a server: a redis-server need not be built with it. */
export interface TlsServer {
  readonly port: number
  /** The server names that clients have sent, or `false` for none. */
  readonly names: unknown[]
  stop(): void
}

/** Speaks TLS as `localhost` and `127.0.0.1`, and passes on what is inside. */
export async function startTls(authority: Authority, to: number): Promise<TlsServer> {
  const names: unknown[] = []
  const own = authority.issue('localhost', '127.0.0.1')
  const server = createServer(
    { ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
    (socket) => {
      names.push(socket.servername)
      passOn(socket, to)
    },
  )
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, names, stop: () => void server.close() }
}

function passOn(socket: TLSSocket, port: number): void {
  const upstream = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.setNoDelay(true)
  socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
  upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy())
  socket.pipe(upstream).pipe(socket)
}
