import { ShardedCache } from '../../../src/cache.ts'
import { redisText, startMemcached, startRedis, startReplica, until, type TestServer } from '../../support/servers.ts'
import { startProxy, type Proxy } from '../proxy.ts'
import { laneNode, NODE_TIMEOUT, type LaneUrls } from './cycles-node.ts'
import type { Second } from './cycles-process.ts'

/** How a node is taken down; `old data`: saved before, killed, and started again with what was saved. */
export type Way = 'old data' | 'killed' | 'hung' | 'cut off'

export type LaneKind = 'redis' | 'redis, replica' | 'memcached'

/** What a lane reads after deletes were acknowledged. */
export interface Sightings {
  /** Deletes that were acknowledged. */
  deleted: number
  /** Deletes that were not. */
  failed: number
  /** Reads of deleted keys by the process that deleted them, and how many found one. */
  reads: number
  again: number
  /** The same in a second process. */
  secondReads: number
  secondAgain: number
}

/** Keys deleted while the node is still up, in one call while it is down, and one by one. */
const EARLY = 10
const BATCH = 50
const SINGLE = 8
/** How many more rounds of reads there are when all is well again. */
const ROUNDS = 3
const RETURN = 60_000

/** One node, the cache of the process that deletes, and what is between them. */
export interface Lane {
  readonly index: number
  readonly kind: LaneKind
  readonly urls: LaneUrls
  cycle(number: number, way: Way, second: Second): Promise<Sightings>
  stop(): Promise<void>
}

export async function openLane(index: number, kind: LaneKind, naive: boolean): Promise<Lane> {
  const server = await (kind === 'memcached' ? startMemcached() : startRedis())
  const replica = kind === 'redis, replica' ? await startReplica(server) : undefined
  const proxy = await startProxy(server.port)
  const more = replica ? { replica: replica.url } : {}
  const node = laneNode(index, { primary: proxy.url(server.kind), ...more }, naive)
  const cache = await ShardedCache.create({ nodes: [node], nodeTimeout: NODE_TIMEOUT, ttl: '5m' })
  return {
    index,
    kind,
    urls: { primary: server.url, ...more },
    cycle: (number, way, second) => {
      const lane = { index, server, replica, proxy, cache, naive, second }
      return new Cycle(lane, `lane-${index}-cycle-${number}`, way).run()
    },
    stop: async () => {
      await cache.close()
      await proxy.stop()
      await Promise.all([server.stop(), replica?.stop()])
    },
  }
}

interface Parts {
  readonly index: number
  readonly server: TestServer
  readonly replica: TestServer | undefined
  readonly proxy: Proxy
  readonly cache: ShardedCache
  readonly naive: boolean
  readonly second: Second
}

/** One cycle: fill, delete, take down, delete, come back; with reads of all that was deleted from then on. */
class Cycle {
  readonly #lane: Parts
  readonly #name: string
  readonly #way: Way
  readonly #deleted: string[] = []
  readonly #seen: Sightings = { deleted: 0, failed: 0, reads: 0, again: 0, secondReads: 0, secondAgain: 0 }
  #secondReads = false
  #over = false
  #rounds = 0

  constructor(lane: Parts, name: string, way: Way) {
    this.#lane = lane
    this.#name = name
    this.#way = way
  }

  async run(): Promise<Sightings> {
    const { server } = this.#lane
    const [early, batch, single] = [
      this.#keys('early', EARLY),
      this.#keys('batch', BATCH),
      this.#keys('single', SINGLE),
    ]
    await this.#fill([...early, ...batch, ...single])
    if (this.#way === 'old data') await until(() => server.save().then(always, never), 'the data to be saved')
    const reading = this.#readOn()
    try {
      await this.#deletes(early)
      await this.#takeDown()
      await this.#deletes(batch)
      for (const key of single) await this.#deletes([key])
      await this.#noticed()
      await this.#comeBack()
      // What only this process missed, only this process knows of until it has told the node; a restart all know of.
      this.#secondReads = this.#way === 'old data' || this.#way === 'killed'
      await this.#wellAgain()
      this.#secondReads = true
      const rounds = this.#rounds + ROUNDS
      await until(() => this.#rounds >= rounds || this.#over, 'more reads')
    } finally {
      this.#over = true
      await reading
    }
    return this.#seen
  }

  #keys(kind: string, count: number): string[] {
    return Array.from({ length: count }, (_, i) => `${this.#name}-${kind}-${i}`)
  }

  /** Until both processes read all of them: entries from within two seconds of a restart may count as older than it. */
  async #fill(keys: readonly string[]): Promise<void> {
    const { cache, replica, second, index } = this.#lane
    const all = async (): Promise<boolean> => {
      await cache.setMany(keys.map((key) => [key, { key }]))
      if ((await cache.getMany(keys)).size < keys.length) return false
      return new Set(await second.read(index, keys)).size === keys.length
    }
    await until(all, `${this.#name} to be filled`, RETURN)
    if (!replica) return
    const count = async (): Promise<boolean> =>
      (await redisText(replica.port, `EXISTS ${keys.join(' ')}`)).startsWith(`:${keys.length}`)
    await until(count, `the replica to have ${this.#name}`, RETURN)
  }

  async #deletes(keys: readonly string[]): Promise<void> {
    for (const [key, { ok }] of await this.#lane.cache.deleteMany(keys)) {
      if (ok) this.#deleted.push(key)
      this.#seen[ok ? 'deleted' : 'failed']++
    }
  }

  async #takeDown(): Promise<void> {
    const { server, proxy } = this.#lane
    if (this.#way === 'hung') server.pause()
    else if (this.#way === 'cut off') proxy.pause()
    else await server.kill()
  }

  async #comeBack(): Promise<void> {
    const { server, proxy } = this.#lane
    if (this.#way === 'hung') server.resume()
    else if (this.#way === 'cut off') proxy.resume()
    else await server.restart({ data: this.#way === 'old data' })
    const { replica } = this.#lane
    if (!replica) return
    const linked = async (): Promise<boolean> =>
      (await redisText(replica.port, 'INFO replication')).includes('master_link_status:up')
    await until(linked, 'the replica to be in step')
  }

  async #noticed(): Promise<void> {
    if (this.#lane.naive) return
    await until(() => this.#lane.cache.stats().nodes[0]!.members[0]!.circuit !== 'closed', 'the circuit to open')
  }

  async #wellAgain(): Promise<void> {
    const { cache, naive, second, index } = this.#lane
    if (naive) {
      // Nothing tells that it is back but that it answers.
      const key = `${this.#name}-back`
      const back = async (): Promise<boolean> => {
        await cache.set(key, 1)
        return (await cache.get(key)) !== undefined && (await second.read(index, [key])).length > 0
      }
      await until(back, 'the node to be back', RETURN)
      return
    }
    const well = (): boolean =>
      cache
        .stats()
        .nodes.every(({ journal, members }) => journal.keys === 0 && members.every((one) => one.circuit === 'closed'))
    await until(well, 'the circuit to close and the journal to be empty', RETURN)
  }

  async #readOn(): Promise<void> {
    const { cache, replica, second, index } = this.#lane
    while (!this.#over) {
      const keys = [...this.#deleted]
      const policies = replica ? [undefined, 'replica' as const] : [undefined]
      for (const reads of policies) this.#saw(keys, await cache.getMany(keys, reads && { reads }))
      const key = keys.at(-1)
      if (key !== undefined) this.#saw([key], (await cache.get(key)) === undefined ? [] : [key])
      if (this.#secondReads) {
        const found = await second.read(index, keys)
        this.#seen.secondReads += keys.length * policies.length
        this.#seen.secondAgain += found.length
      }
      this.#rounds++
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  }

  #saw(keys: readonly string[], found: Iterable<unknown>): void {
    this.#seen.reads += keys.length
    this.#seen.again += [...found].length
  }
}

const always = (): boolean => true
const never = (): boolean => false
