import { NodeError } from '../../src/base/errors.ts'
import type { NodeAdapter, NodeIdentity } from '../../src/node/contract.ts'

/** A pretend server, with which every rule of the contract can be kept, and broken, on purpose. */
export class ToyServer {
  up = true
  hung = false
  starts = 1
  readonly store: Map<string, { value: Uint8Array; until: number }> = new Map()

  stop(): void {
    this.up = false
    this.store.clear()
  }
  start(): void {
    this.up = true
    this.starts++
  }
  pause(): void {
    this.hung = true
  }
  resume(): void {
    this.hung = false
  }
  get(key: string): Uint8Array | undefined {
    const found = this.store.get(key)
    return found && found.until > performance.now() ? found.value : undefined
  }
  put(key: string, value: Uint8Array, ttl: number): void {
    this.store.set(key, { value, until: performance.now() + ttl })
  }
}

export const down = (): NodeError => new NodeError('ERR_NODE_DOWN', 'toy:1 cannot be reached')
const LIMIT = 200_000

/** An adapter that keeps the contract. */
export function toyAdapter(
  server: ToyServer,
  password = 'right',
  identified: (identity: NodeIdentity) => void = () => {},
): NodeAdapter {
  let closed = false
  /** A connection lasts as long as the server it was made to. */
  let connectedTo = 0
  const ensureConnected = (): void => {
    if (connectedTo === server.starts) return
    connectedTo = server.starts
    identified(identity(server))
  }
  const jobs = new Set<() => void>()
  const run = <T>(count: number, act: () => T[]): Promise<(T | NodeError)[]> =>
    new Promise((resolve) => {
      const fail = (): void => resolve(Array.from({ length: count }, down))
      if (closed || !server.up || password !== 'right') return fail()
      jobs.add(fail)
      if (server.hung) return
      setImmediate(() => {
        if (!jobs.delete(fail)) return
        if (!server.up) return fail()
        ensureConnected()
        resolve(act())
      })
    })
  const drop = (): void => {
    for (const fail of jobs) fail()
    jobs.clear()
  }
  return {
    address: 'toy:1',
    limits: { maxKeyBytes: 250, maxValueBytes: LIMIT, ttlStep: 1 },
    powers: {
      info: () => Promise.resolve({ ...identity(server), keys: server.store.size, bytes: 0 }),
      removeIf: async (key, value) => {
        const [outcome] = await run(1, () => {
          const found = server.get(key)
          return [found !== undefined && Buffer.compare(found, value) === 0 && server.store.delete(key)]
        })
        if (outcome instanceof Error) throw outcome
        return outcome === true
      },
    },
    connect: () => {
      if (password !== 'right') return Promise.reject(new NodeError('ERR_AUTH', 'toy:1 refused the password'))
      if (closed || !server.up) return Promise.reject(down())
      ensureConnected()
      return Promise.resolve(identity(server))
    },
    read: (keys) => run(keys.length, () => keys.map((key) => server.get(key))),
    write: (items) =>
      run(items.length, () =>
        items.map(({ key, value, ttl }) => {
          if (value.length > LIMIT) return new NodeError('ERR_NODE', 'too large')
          server.put(key, Uint8Array.prototype.slice.call(value), ttl)
          return 'stored'
        }),
      ),
    remove: (keys) =>
      run(keys.length, () =>
        keys.map((key) => {
          const there = server.get(key) !== undefined
          server.store.delete(key)
          return there ? 'deleted' : 'absent'
        }),
      ),
    reset: drop,
    close: () => {
      closed = true
      drop()
      return Promise.resolve()
    },
  }
}

function identity(server: ToyServer): NodeIdentity {
  return { runId: `toy-${server.starts}`, role: 'primary', version: '1', uptime: 0, empty: server.store.size === 0 }
}
