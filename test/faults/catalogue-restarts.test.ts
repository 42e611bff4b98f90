import { expect } from 'vitest'
import { ShardedCache } from '../../src/cache.ts'
import { bytesCodec } from '../../src/entry/codec.ts'
import { redisNode } from '../../src/redis/index.ts'
import type { Lab } from '../lab/lab.ts'
import { redisText, startRedis, until } from '../support/servers.ts'
import { KINDS, more, nothingLeftBehind, reaches, readable, readTimes, row } from './catalogue.ts'

nothingLeftBehind()

for (const kind of KINDS) {
  row(`restart empty, ${kind}: misses, and one load for all who ask for a key`, { servers: [kind] }, async (lab) => {
    await lab.traffic({
      during: async () => {
        await more(lab)
        await lab.servers[0]!.restart()
        await more(lab)
        await reaches(lab, 'closed')
      },
    })
    await readable(lab, ['key-0'])
    await lab.servers[0]!.restart()
    lab.watch.truth.behave({ ms: 20 })
    const { calls } = lab.watch.truth.counts
    await Promise.all(Array.from({ length: 500 }, () => lab.watch.getOrLoad('herd')))
    expect(lab.watch.truth.counts.calls).toBe(calls + 1)
    await reaches(lab, 'closed')
  })
}

row(
  'restart with old data, redis: what was deleted or overwritten does not return, in three processes',
  { servers: ['redis'] },
  async (lab) => {
    const [server] = lab.servers
    const keys = lab.keysOf(0, 30)
    const [before, while_, overwritten] = [keys.slice(0, 10), keys.slice(10, 20), keys.slice(20)]
    await Promise.all(keys.map((key) => lab.watch.set(key)))
    const old = new Map(keys.map((key) => [key, lab.watch.truth.seq(key)]))
    const knew = await another(lab)
    expect((await knew.getMany(keys)).size).toBe(keys.length)
    await server!.save()
    for (const key of before) expect(await lab.watch.delete(key)).toBe('deleted')
    for (const key of overwritten) expect(await lab.watch.set(key)).toBe('stored')
    await server!.kill()
    for (const key of while_) expect(await lab.watch.delete(key)).toBe('journaled')
    await server!.restart({ data: true })
    const late = await another(lab)
    const control = await another(lab, { format: 'raw', codec: bytesCodec })
    const returned = { knew: 0, late: 0, control: 0 }
    const look = async (): Promise<void> => {
      for (const [name, cache] of [
        ['knew', knew],
        ['late', late],
        ['control', control],
      ] as const) {
        for (const [key, value] of await cache.getMany<unknown>(keys)) {
          const seq = value instanceof Uint8Array ? old.get(key) : (value as { seq: number }).seq
          if (seq === old.get(key)) returned[name]++
        }
      }
    }
    await until(async () => {
      await readTimes(lab, keys, 100)
      await look()
      return returned.control >= 20
    }, 'old values on the server')
    await reaches(lab, 'closed')
    await readTimes(lab, before, 100)
    expect(lab.cache.stats().dropped.fenced).toBeGreaterThan(0)
    // Servers tell their age in seconds: what one process takes for new enough, another one may still take for old.
    await until(async () => {
      await readable(lab, keys)
      return (await knew.getMany(keys)).size === keys.length
    }, 'the second cache to read what is new')
    await look()
    expect(returned).toEqual({ knew: 0, late: 0, control: expect.any(Number) as number })
    await Promise.all([knew, late, control].map((cache) => cache.close()))
    return `control: ${returned.control} old values`
  },
)

row(
  'promotion, redis: READONLY is told, deletes wait until the server takes them',
  { servers: ['redis'] },
  async (lab) => {
    const [server] = lab.servers
    const empty = await startRedis()
    const said: string[] = []
    lab.cache.on('node-error', ({ code, message }) => said.push(`${code} ${message}`))
    try {
      await lab.traffic({
        during: async () => {
          await more(lab)
          await redisText(server!.port, `REPLICAOF ${empty.host} ${empty.port}`)
          await until(() => said.some((text) => /^ERR_NODE .*READONLY/.test(text)), 'READONLY')
          expect(await lab.watch.delete('key-0')).toBe('journaled')
          await more(lab)
          await redisText(server!.port, 'REPLICAOF NO ONE')
          await until(() => lab.cache.stats().nodes[0]?.journal.keys === 0, 'the journal to be replayed')
        },
      })
      await readable(lab, ['key-0', 'key-1'])
    } finally {
      await empty.stop()
    }
  },
)

row(
  'promotion, redis: the primary dies, the replica takes its place, the old primary comes back with old data',
  { servers: ['redis', 'redis'] },
  async (lab) => {
    const [first, second] = lab.servers
    const node = (primary: typeof first, replica: typeof first) =>
      lab.cache.setNodes([redisNode(primary!.url, { id: 'n0', replicas: [replica!.url] })])
    await follow(second!.port, first!.port)
    await node(first, second)
    await readable(lab, ['key-0', 'key-1', 'deleted'])
    await first!.save()
    await lab.traffic({ calls: 200 })
    expect(await lab.watch.delete('deleted')).toBe('deleted')
    // Keys that the traffic leaves alone: those that it fails to write are misses.
    const kept = Array.from({ length: 20 }, (_, i) => `kept-${i}`)
    await Promise.all(kept.map((key) => lab.watch.set(key)))
    // WAIT asks for what its own connection wrote: nothing.
    const size = (port: number): Promise<string> => redisText(port, 'DBSIZE')
    await until(async () => (await size(second!.port)) === (await size(first!.port)), 'the replica to have it all')
    let read = 0
    await lab.traffic({
      during: async () => {
        await first!.kill()
        await reaches(lab, 'open')
        // What was just written is read from the primary alone, for a second.
        await until(async () => (read += await readTimes(lab, kept, 20)) > 100, 'reads from the replica')
        await redisText(second!.port, 'REPLICAOF NO ONE')
        await node(second, first)
        await more(lab)
        await first!.restart({ data: true })
        await follow(first!.port, second!.port)
        await more(lab)
      },
    })
    expect(await lab.watch.get('deleted')).toBeUndefined()
    await readable(lab, ['key-0', 'key-1'])
    return `${read} reads from the replica`
  },
)

/** A cache of another process, as it were: with connections and knowledge of its own. */
function another(lab: Lab, options: object = {}): Promise<ShardedCache> {
  return ShardedCache.create({ nodes: [redisNode(lab.servers[0]!.url, { id: 'n0' })], ...options })
}

/** Makes a server a replica of another; resolves when it is in step. */
async function follow(port: number, primary: number): Promise<void> {
  await redisText(port, `REPLICAOF 127.0.0.1 ${primary}`)
  await until(async () => (await redisText(port, 'INFO replication')).includes('master_link_status:up'), 'replication')
}
