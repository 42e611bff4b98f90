import type { Writable } from 'node:stream'
import { Redis } from 'ioredis'
import { loadHash, type Hash } from 'sharded-cache'
import type { Case } from './cases.ts'
import { routeBy, TTL, type Client, type ThroughputContender } from './client.ts'
import type { IoredisClient } from './ioredis.ts'

interface HandClient extends Omit<IoredisClient, 'set'> {
  readonly stream?: Writable | null
  getBuffer(key: string): Promise<Buffer | null>
  mgetBuffer(keys: string[]): Promise<(Buffer | null)[]>
  set(key: string, value: string | Buffer, unit: 'PX', ms: number): Promise<unknown>
}
const six = Redis as unknown as new (options: object) => HandClient

/** The same over ioredis 5, which reads replies in less time. */
function overFive(contender: ThroughputContender): ThroughputContender {
  const name = contender.name.replace('ioredis 6', 'ioredis 5')
  return { ...contender, name, of: 'ioredis5', instead: { ioredis: 'ioredis5' } }
}

/** What one writes by hand who knows how: the keys sorted by node, one command for each. */
export const mgetPerNode: ThroughputContender = {
  name: 'ioredis 6, MGET per node',
  of: 'ioredis',
  kind: 'redis',
  takes: ({ operation }) => operation === 'getMany',
  async open(servers) {
    const clients = servers.map(({ host, port }) => new six({ host, port }))
    const route = await routeBy(clients)
    return {
      get: (key) => route(key).get(key),
      set: (key, value) => route(key).set(key, value, 'PX', TTL),
      getMany: async (keys) => {
        const parts = new Map<HandClient, string[]>()
        for (const key of keys) {
          const client = route(key)
          const part = parts.get(client)
          if (part) part.push(key)
          else parts.set(client, [key])
        }
        const found = new Map<string, string | null>()
        await Promise.all(
          [...parts].map(async ([client, part]) => {
            const values = await client.mget(part)
            for (const [i, key] of part.entries()) found.set(key, values[i] ?? null)
          }),
        )
        return keys.map((key) => found.get(key))
      },
      close: () => clients.forEach((client) => client.disconnect()),
    }
  },
}

/** How many keys or commands leave together at most: the width that was measured to be best. */
const WIDTH = 64

/**
 * With what one turn asks of a server put together by hand, and nothing else: no deadline, no circuit. It shows what these
 * cost.
 */
function perTurn(
  name: string,
  operation: Case['operation'],
  gather: (client: HandClient, hash: Hash) => Pick<Client, 'get' | 'set'>,
): ThroughputContender {
  return {
    name: `ioredis 6, ${name}`,
    of: 'ioredis',
    kind: 'redis',
    takes: (one) => one.operation === operation,
    async open(servers) {
      const clients = servers.map(({ host, port }) => new six({ host, port }))
      const hash = await loadHash()
      const route = await routeBy(clients.map((client) => gather(client, hash)))
      return {
        get: (key) => route(key).get(key),
        set: (key, value) => route(key).set(key, value),
        getMany: (keys) => Promise.all(keys.map((key) => route(key).get(key))),
        close: () => clients.forEach((client) => client.disconnect()),
      }
    },
  }
}

/** The gets as MGETs. */
export const mgetPerTurn: ThroughputContender = perTurn('MGET per turn', 'get', (client) => ({
  get: gathered(
    (keys) => client.mget(keys),
    (_, value) => value,
  ),
  set: (key, value) => client.set(key, value, 'PX', TTL),
}))

/** The same, and what it takes to know that a value is the key's and whole: two XXH32 of the key and one of the value. */
export const mgetPerTurnChecked: ThroughputContender = perTurn('MGET per turn, checked', 'get', (client, hash) => {
  const checks = new Checks(hash)
  return {
    get: gathered(
      (keys) => client.mgetBuffer(keys),
      (key, value) => value && checks.open(key, value),
    ),
    set: (key, value) => client.set(key, checks.seal(key, value), 'PX', TTL),
  }
})

/** The sets corked: one write for all of them. */
export const corkedPerTurn: ThroughputContender = perTurn('corked per turn', 'set', (client) => ({
  get: (key) => client.get(key),
  set: corked(client, (key, value) => client.set(key, value, 'PX', TTL)),
}))

/** The same, of values that can be checked when they are read. */
export const corkedPerTurnChecked: ThroughputContender = perTurn('corked per turn, checked', 'set', (client, hash) => {
  const checks = new Checks(hash)
  return {
    get: async (key) => {
      const value = await client.getBuffer(key)
      return value && checks.open(key, value)
    },
    set: corked(client, (key, value) => client.set(key, checks.seal(key, value), 'PX', TTL)),
  }
})

/** The ceilings over the client that reads replies in less time. */
export const overIoredis5: readonly ThroughputContender[] = [mgetPerTurnChecked, corkedPerTurnChecked, mgetPerNode].map(
  overFive,
)

/** Three checks of four bytes in front of a value. */
const HEAD = 12

class Checks {
  readonly #hash: Hash
  readonly #pair = new Int32Array(2)

  constructor(hash: Hash) {
    this.#hash = hash
  }

  seal(key: string, value: string): Buffer {
    const bytes = Buffer.allocUnsafe(HEAD + Buffer.byteLength(value))
    bytes.write(value, HEAD)
    this.#hash.pair?.(key, 1, 2, this.#pair)
    bytes.writeInt32LE(this.#pair[0] as number, 0)
    bytes.writeInt32LE(this.#pair[1] as number, 4)
    bytes.writeUInt32LE(this.#hash.bytes(bytes, 0, HEAD), 8)
    return bytes
  }

  open(key: string, bytes: Buffer): string {
    this.#hash.pair?.(key, 1, 2, this.#pair)
    if (bytes.readInt32LE(0) !== this.#pair[0] || bytes.readInt32LE(4) !== this.#pair[1])
      throw new Error('another key’s')
    if (bytes.readUInt32LE(8) !== this.#hash.bytes(bytes, 0, HEAD)) throw new Error('damaged')
    return bytes.toString('utf8', HEAD)
  }
}

/** Sets that go out in one write at the end of the turn, or when there are enough of them. */
function corked(client: HandClient, set: Client['set']): Client['set'] {
  let [stream, waiting] = [undefined as Writable | undefined, 0]
  const send = (): void => {
    stream?.uncork()
    stream = undefined
    waiting = 0
  }
  return (key, value) => {
    if (waiting++ === 0) {
      stream = client.stream ?? undefined
      stream?.cork()
      process.nextTick(send)
    }
    const sent = set(key, value)
    if (waiting === WIDTH) send()
    return sent
  }
}

interface Waiting<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

function gathered<V, T>(mget: (keys: string[]) => Promise<V[]>, take: (key: string, value: V) => T) {
  let keys: string[] = []
  let waiting: Waiting<T>[] = []
  const send = (): void => {
    const [asked, those] = [keys, waiting]
    keys = []
    waiting = []
    mget(asked)
      .then((values) => those.forEach(({ resolve }, i) => resolve(take(asked[i] as string, values[i] as V))))
      .catch((error: unknown) => those.forEach(({ reject }) => reject(error)))
  }
  return (key: string): Promise<T> =>
    new Promise((resolve, reject) => {
      if (keys.length === 0) process.nextTick(() => keys.length > 0 && send())
      keys.push(key)
      waiting.push({ resolve, reject })
      if (keys.length === WIDTH) send()
    })
}
