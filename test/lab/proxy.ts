import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { Pipe, reset, type Flow, type Passed } from './proxy-pipe.ts'
import { SetRule, type Direction, type Fault, type Place, type Rule } from './proxy-rules.ts'
import type { Random } from './random.ts'

export type { Direction, Fault, Place, Rule } from './proxy-rules.ts'

export interface ProxyOptions {
  /** Where the server is; 127.0.0.1 unless given. */
  targetHost?: string
  /** Needed for a delay with jitter; there is no other chance in a proxy. */
  random?: Random
}

/** What a proxy has seen and done since it started. */
export interface ProxyCounts {
  /** Connections, but for those refused. */
  readonly accepted: number
  /** Connections that were reset as they came; those that found nobody listening are not seen. */
  readonly refused: number
  /** How often each kind of fault struck, rules that are spent or were removed included. */
  readonly struck: Readonly<Record<Fault['kind'], number>>
  readonly up: Readonly<Passed>
  readonly down: Readonly<Passed>
}

/**
 * Stands between a client and a server, and does to their bytes what it is told. Everything may be changed while it runs.
 * A direction left out means both, but for {@link Proxy.fault}, where it means `down`.
 */
export interface Proxy {
  readonly port: number
  /** `redis://127.0.0.1:port` or `memcached://127.0.0.1:port`. */
  url(kind: 'redis' | 'memcached'): string
  /** How many connections are open now. */
  readonly connections: number
  readonly counts: ProxyCounts
  /** Sets a fault at a place of the stream. Several are applied in the order they were set. */
  fault(fault: Fault, place?: Place): Rule
  /** From now on bytes are so many milliseconds late, in order; 0 ends it. Up to `jitter` ms are added to each chunk. */
  delay(ms: number, direction?: Direction, jitter?: number): void
  /** From now on bytes leave in pieces of this size, each by itself; `undefined` ends it. */
  split(size: number | undefined, direction?: Direction): void
  /**
   * Nothing passes, not even the end of a connection; new connections are accepted. What comes is held back, until
   * `resume` or a reset by the one who sent it; or discarded, so that it is missing from the stream later.
   */
  pause(direction?: Direction, options?: { discard?: boolean }): void
  resume(direction?: Direction): void
  /**
   * New connections are refused: nobody listens (`closed`), or they are accepted and reset at once, all of them or only the
   * next `times`. Ends with {@link Proxy.accept}.
   */
  refuse(how?: 'closed' | 'reset', times?: number): Promise<void>
  accept(): Promise<void>
  /** Ends all connections now, for both sides, whatever is under way. */
  resetAll(how?: 'reset' | 'fin'): void
  /** Back to a plain proxy: no faults, no delay, nothing held. Connections stay. */
  clear(): Promise<void>
  /** Ends everything; resolves when no socket is left. Idempotent. */
  stop(): Promise<void>
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  readonly up: Pipe
  readonly down: Pipe
}

const HOST = '127.0.0.1'

/** Starts a proxy on a free loopback port. */
export async function startProxy(targetPort: number, options: ProxyOptions = {}): Promise<Proxy> {
  const flow = (): Flow => ({
    delay: 0,
    jitter: 0,
    split: undefined,
    gate: 'open',
    random: options.random,
    passed: { bytes: 0, chunks: 0, fins: 0, resets: 0 },
  })
  const flows = { up: flow(), down: flow() }
  const counts = { accepted: 0, refused: 0, struck: { cut: 0, hold: 0, insert: 0, flip: 0, drop: 0 } }
  const sockets = new Set<Socket>()
  const links = new Set<Link>()
  const rules = new Set<SetRule>()
  let toReset = 0
  let listener: Server | undefined

  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.setNoDelay(true)
    // Errors are told to the pipe; without a listener they would end the process.
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  }
  const take = (client: Socket): void => {
    keep(client)
    if (toReset > 0) {
      toReset--
      counts.refused++
      reset(client)
      return
    }
    counts.accepted++
    const host = options.targetHost ?? HOST
    const server = createConnection({ port: targetPort, host, allowHalfOpen: true })
    keep(server)
    const on = (direction: Direction): SetRule[] => [...rules].filter((rule) => rule.direction === direction)
    const link: Link = {
      client,
      server,
      up: new Pipe(client, server, flows.up, on('up'), () => reset(client)),
      down: new Pipe(server, client, flows.down, on('down'), () => void server.destroy()),
    }
    links.add(link)
    const closed = (): void => {
      if (!client.destroyed || !server.destroyed) return
      link.up.stop()
      link.down.stop()
      links.delete(link)
    }
    client.once('close', closed)
    server.once('close', closed)
  }
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const next = createServer({ allowHalfOpen: true }, take)
      next.once('error', reject)
      next.listen(port, HOST, () => {
        listener = next
        resolve()
      })
    })
  const close = (): Promise<void> => {
    const current = listener
    listener = undefined
    return new Promise((resolve) => {
      if (!current) return resolve()
      // It no longer listens when this returns; its own end waits for the connections.
      current.close()
      setImmediate(resolve)
    })
  }
  const change = (direction: Direction | undefined, how: (flow: Flow) => void): void => {
    for (const each of direction === undefined ? (['up', 'down'] as const) : [direction]) {
      how(flows[each])
      for (const link of links) link[each].nudge()
    }
  }

  await listen(0)
  const { port } = listener!.address() as { port: number }
  const proxy: Proxy = {
    port,
    url: (kind) => `${kind}://${HOST}:${port}`,
    get connections() {
      return links.size
    },
    get counts() {
      return { ...counts, struck: { ...counts.struck }, up: { ...flows.up.passed }, down: { ...flows.down.passed } }
    },
    fault: (fault, place = {}) => {
      const rule = new SetRule(fault, place, {
        struck: () => counts.struck[fault.kind]++,
        removed: () => rules.delete(rule),
      })
      rules.add(rule)
      if (place.on !== 'new') for (const link of links) link[rule.direction].add(rule)
      return rule
    },
    delay: (ms, direction, jitter = 0) => {
      if (jitter > 0 && !options.random)
        throw new Error('a delay with jitter needs the proxy to have been given `random`')
      change(direction, (each) => Object.assign(each, { delay: ms, jitter }))
    },
    split: (size, direction) => change(direction, (each) => (each.split = size)),
    pause: (direction, { discard = false } = {}) =>
      change(direction, (each) => (each.gate = discard ? 'discard' : 'hold')),
    resume: (direction) => change(direction, (each) => (each.gate = 'open')),
    refuse: async (how = 'closed', times = Infinity) => {
      if (how === 'closed') await close()
      else toReset = times
    },
    accept: async () => {
      toReset = 0
      if (!listener) await listen(port)
    },
    resetAll: (how = 'reset') => {
      for (const { client, server } of links) {
        for (const socket of [client, server]) {
          if (how === 'fin') socket.destroy()
          else reset(socket)
        }
      }
    },
    clear: async () => {
      for (const rule of rules) rule.remove()
      change(undefined, (each) => Object.assign(each, { delay: 0, jitter: 0, split: undefined, gate: 'open' }))
      await proxy.accept()
    },
    stop: async () => {
      await close()
      for (const link of links) {
        link.up.stop()
        link.down.stop()
      }
      const gone = [...sockets].map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())))
      for (const socket of sockets) socket.destroy()
      await Promise.all(gone)
    },
  }
  return proxy
}
