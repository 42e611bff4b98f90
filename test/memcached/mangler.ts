import { createConnection, createServer, type Socket } from 'node:net'

/** What happens to the bytes that a server sends, `at` so many bytes after it was armed. */
export type Fault =
  | { kind: 'close' | 'reset' | 'stall' | 'drop' | 'split'; at: number }
  | { kind: 'insert'; at: number; bytes: Buffer }
  | { kind: 'flip'; at: number; mask: number }

/** A proxy on a port of its own that damages what the server says, once, at the byte asked for. */
export interface Mangler {
  readonly port: number
  /** How many bytes the server has sent since the last `arm` or `watch`. */
  readonly passed: number
  /** What these were. */
  readonly said: Buffer
  /** How many connections were made to it. */
  readonly connections: number
  /** How those ended that are gone: `ECONNRESET`, or `closed`, in the order in which they did. */
  readonly endings: readonly string[]
  /** Says something that the server did not say, on all connections. */
  say(bytes: Buffer): void
  /** Damages the next replies; resolves when the fault was applied. */
  arm(fault: Fault): Promise<void>
  /** Counts from here, without damage. */
  watch(): void
  stop(): Promise<void>
}

export async function startMangler(serverPort: number): Promise<Mangler> {
  const sockets = new Set<Socket>()
  let fault: Fault | undefined
  let applied: (() => void) | undefined
  let passed = 0
  let said: Buffer[] = []
  let connections = 0
  const endings: string[] = []
  const clients = new Set<Socket>()

  const server = createServer((client) => {
    const upstream = createConnection(serverPort, '127.0.0.1')
    connections++
    clients.add(client)
    let ending = 'closed'
    client.on('error', (error: NodeJS.ErrnoException) => (ending = error.code ?? 'unknown'))
    client.once('close', () => {
      clients.delete(client)
      endings.push(ending)
    })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => sockets.delete(socket))
    }
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => client.end())
    client.pipe(upstream)
    let stalled = false
    upstream.on('data', (bytes: Buffer) => {
      if (stalled) return
      const at = fault ? fault.at - passed : -1
      passed += bytes.length
      said.push(bytes)
      // A fault behind the last byte is applied with it.
      if (!fault || at > bytes.length || at < 0) {
        client.write(bytes)
        return
      }
      const now = fault
      fault = undefined
      const before = bytes.subarray(0, at)
      const after = bytes.subarray(at)
      if (now.kind === 'split') {
        for (const byte of before) client.write(Buffer.from([byte]))
        for (const byte of after) client.write(Buffer.from([byte]))
      } else if (now.kind === 'insert') {
        client.write(Buffer.concat([before, now.bytes, after]))
      } else if (now.kind === 'drop') {
        client.write(Buffer.concat([before, after.subarray(1)]))
      } else if (now.kind === 'flip') {
        after[0] = (after[0] ?? 0) ^ now.mask
        client.write(Buffer.concat([before, after]))
      } else {
        stalled = true
        if (now.kind === 'stall') client.write(before)
        else if (now.kind === 'close') client.end(before)
        else client.write(before, () => client.resetAndDestroy())
      }
      applied?.()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { port: number }).port,
    get passed() {
      return passed
    },
    get said() {
      return Buffer.concat(said)
    },
    get connections() {
      return connections
    },
    endings,
    say(bytes) {
      for (const client of clients) client.write(bytes)
    },
    arm(next) {
      passed = 0
      said = []
      fault = next
      return new Promise((resolve) => (applied = resolve))
    },
    watch() {
      passed = 0
      said = []
      fault = undefined
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
