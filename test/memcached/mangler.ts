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

  const server = createServer((client) => {
    const upstream = createConnection(serverPort, '127.0.0.1')
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
    arm(next) {
      passed = 0
      fault = next
      return new Promise((resolve) => (applied = resolve))
    },
    watch() {
      passed = 0
      fault = undefined
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
