import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { Client as Memjs } from 'memjs'
import { ShardedCache } from '../../../src/cache.ts'
import { redisNode } from '../../../src/redis/index.ts'
import { MAJORS } from '../../redis/majors.ts'
import { startMemcached, startRedis, type TestServer } from '../../support/servers.ts'
import { startProxy, type Proxy } from '../proxy.ts'

/** What spoilt replies do where nothing protects from them. */
export interface Control {
  readonly who: string
  /** What was done to the replies. */
  readonly fault: string
  readonly reads: number
  /** Values of other keys. */
  readonly wrong: number
  /** Calls that had not settled a second later. */
  readonly stuck: number
}

const KEYS: readonly string[] = Array.from({ length: 50 }, (_, i) => `control-${i}`)
const ROUNDS = 8
const SURPLUS = '$5\r\nhello\r\n'
const STUCK = 1_000

/** Client libraries by themselves, and the cache where it stores values without a key check. */
export function runControls(): Promise<Control[]> {
  return Promise.all([...MAJORS.map(({ major }) => bareRedis(major)), rawFormat(), bareMemjs()])
}

/** One surplus reply shifts all that follow. */
function bareRedis(version: 5 | 6): Promise<Control> {
  return behindProxy(startRedis, async (proxy) => {
    const major = MAJORS.find(({ major: each }) => each === version) as (typeof MAJORS)[number]
    const client = major.client(proxy.port)
    try {
      await Promise.all(KEYS.map((key) => client.set(key, key)))
      proxy.fault({ kind: 'insert', bytes: Buffer.from(SURPLUS) })
      return await ask(`ioredis ${version} alone`, 'one surplus reply', (key) => client.get(key))
    } finally {
      client.disconnect()
    }
  })
}

/** The same through the cache: replies that arrive one by one, one of them doubled, and no key in what is stored. */
function rawFormat(): Promise<Control> {
  return behindProxy(startRedis, async (proxy) => {
    const nodes = [redisNode(proxy.url('redis'), { id: 'a' })]
    const cache = await ShardedCache.create({ nodes, format: 'raw' })
    try {
      await Promise.all(KEYS.map((key) => cache.set(key, key)))
      proxy.split(8, 'down')
      const [value] = KEYS
      const reply = `$${JSON.stringify(value).length}\r\n${JSON.stringify(value)}\r\n`
      proxy.fault({ kind: 'insert', bytes: Buffer.from(reply) })
      return await ask(`the cache with format: 'raw'`, 'one surplus reply', async (key) => {
        // What is asked in one turn would share a command.
        for (let turns = KEYS.indexOf(key); turns > 0; turns--) await setImmediate()
        return cache.get<string>(key)
      })
    } finally {
      await cache.close()
    }
  })
}

/** A reply that breaks off, which memjs leaves in its buffer. */
function bareMemjs(): Promise<Control> {
  return behindProxy(startMemcached, async (proxy) => {
    const logger = { log: () => {} }
    const options = { timeout: 86_400, conntimeout: 86_400, retries: 0, logger }
    const client = Memjs.create(`127.0.0.1:${proxy.port}`, options)
    try {
      await Promise.all(KEYS.map((key) => client.set(key, key, {})))
      proxy.fault({ kind: 'cut' }, { at: 30 })
      return await ask('memjs alone', 'one reply cut (RST)', async (key) => (await client.get(key)).value?.toString())
    } finally {
      client.close()
    }
  })
}

/** All keys at once, several times; each holds its own name. */
async function ask(who: string, fault: string, get: (key: string) => Promise<unknown>): Promise<Control> {
  let [wrong, settled, reads] = [0, 0, 0]
  for (let round = 0; round < ROUNDS && reads === settled; round++) {
    const asked = KEYS.map(async (key) => {
      reads++
      const value = await get(key).catch(() => undefined)
      settled++
      if (value !== undefined && value !== null && value !== key) wrong++
    })
    await Promise.race([Promise.all(asked), sleep(STUCK)])
  }
  return { who, fault, reads, wrong, stuck: reads - settled }
}

async function behindProxy(
  start: () => Promise<TestServer>,
  run: (proxy: Proxy) => Promise<Control>,
): Promise<Control> {
  const server = await start()
  const proxy = await startProxy(server.port)
  try {
    return await run(proxy)
  } finally {
    await proxy.stop()
    await server.stop()
  }
}
