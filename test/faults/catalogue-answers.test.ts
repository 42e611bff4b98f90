import { expect } from 'vitest'
import { memcachedNode } from '../../src/memcached/index.ts'
import { redisNode } from '../../src/redis/index.ts'
import type { Lab } from '../lab/lab.ts'
import { memcachedText } from '../memcached/raw.ts'
import { keysOn } from '../support/fleet.ts'
import { redisText, startMemcached, startRedis, until, type TestServer } from '../support/servers.ts'
import { circuitOf, diagnosed, more, nothingLeftBehind, reaches, readable, row, watchCircuits } from './catalogue.ts'

nothingLeftBehind()

row('LOADING, redis: not asked until it has loaded, nothing old is read', { servers: ['redis'] }, async (lab) => {
  // Two seconds for 6,000 keys, since the first probe comes after one, and an ear for questions in between.
  const slow = ['--key-load-delay', '300', '--loading-process-events-interval-bytes', '1024']
  const server = await startRedis({ args: slow })
  try {
    await lab.cache.setNodes([redisNode(server.url, { id: 'n0' })])
    await readable(lab, ['key-0', 'deleted'])
    await redisText(server.port, "EVAL \"for i=1,6000 do redis.call('set','k'..i,'x') end\" 0")
    await server.save()
    expect(await lab.watch.delete('deleted')).toBe('deleted')
    await lab.traffic({
      during: async () => {
        await server.restart({ data: true })
        await diagnosed(lab, /cannot serve now: it loads/)
        expect(await lab.watch.delete('key-1')).toBe('journaled')
        await reaches(lab, 'closed')
        await more(lab)
      },
    })
    expect(await lab.watch.get('deleted')).toBeUndefined()
    await readable(lab, ['key-0', 'key-1', 'deleted'])
  } finally {
    await server.stop()
  }
})

row('BUSY, redis: an endless script opens the circuit; killed, it closes', { servers: ['redis'] }, async (lab) => {
  const { port } = lab.servers[0]!
  const said = messages(lab)
  await redisText(port, 'CONFIG SET busy-reply-threshold 10')
  await lab.traffic({
    during: async () => {
      await more(lab)
      const endless = redisText(port, 'EVAL "while true do end" 0')
      await reaches(lab, 'open')
      await until(() => said.some((text) => /^ERR_NODE_UNREADY .*BUSY/.test(text)), 'the server to say that it is busy')
      expect(await lab.watch.delete('key-0')).toBe('journaled')
      await redisText(port, 'SCRIPT KILL')
      await endless
      await reaches(lab, 'closed')
      await more(lab)
    },
  })
  await readable(lab, ['key-0'])
})

row(
  'MASTERDOWN, redis: a replica that has lost its primary and serves nothing old is not asked',
  { servers: ['redis', 'redis'], cache: { reads: 'prefer-replica' } },
  async (lab) => {
    const [primary, replica] = lab.servers
    await redisText(replica!.port, 'CONFIG SET replica-serve-stale-data no')
    await redisText(replica!.port, `REPLICAOF 127.0.0.1 ${primary!.port}`)
    const linked = async (): Promise<boolean> =>
      (await redisText(replica!.port, 'INFO replication')).includes('master_link_status:up')
    await until(linked, 'replication')
    await lab.cache.setNodes([redisNode(primary!.url, { id: 'n0', replicas: [replica!.url] })])
    const said = messages(lab)
    await lab.traffic({
      during: async () => {
        await more(lab)
        await primary!.kill()
        await until(() => said.some((text) => /^ERR_NODE_UNREADY .*MASTERDOWN/.test(text)), 'MASTERDOWN')
        await more(lab)
        await primary!.restart()
        await until(linked, 'replication')
        await reaches(lab, 'closed')
        await until(() => lab.cache.stats().nodes[0]?.members[1]?.circuit === 'closed', 'the replica to be asked')
        await more(lab)
      },
    })
    await readable(lab, ['key-0', 'key-1'])
  },
)

row('OOM, redis: what was loaded is returned and not cached', { servers: ['redis'] }, async (lab) => {
  const { port } = lab.servers[0]!
  await outOfMemory(lab, {
    fill: () => redisText(port, 'CONFIG SET maxmemory 1'),
    free: () => redisText(port, 'CONFIG SET maxmemory 0'),
    has: async (name) => (await redisText(port, `EXISTS ${name}`)).includes(':1'),
  })
})

row('OOM, memcached: what was loaded is returned and not cached', { servers: ['memcached'] }, async (lab) => {
  const server = await startMemcached({ args: ['-m', '2', '-M', '-o', 'slab_automove=0'] })
  try {
    await lab.cache.setNodes([memcachedNode(server.url, { id: 'n0' })])
    await outOfMemory(lab, {
      fill: () => fill(server),
      free: () => memcachedText(server.port, 'flush_all'),
      has: async (name) => (await memcachedText(server.port, `get ${name}`)).includes('VALUE'),
    })
  } finally {
    await server.stop()
  }
})

row(
  'WRONGTYPE, redis: a miss; what is loaded is not cached until the key was set or deleted',
  { servers: ['redis'] },
  async (lab) => {
    const { port } = lab.servers[0]!
    const circuits = watchCircuits(lab)
    const lists = lab.keysOf(0, 6)
    await readable(lab, ['key-0'])
    await redisText(port, lists.map((key) => `LPUSH ${key} x`).join('\r\n'))
    expect((await lab.watch.getMany([...lists, 'key-0']))?.size).toBe(1)
    expect(await lab.watch.get(lists[0]!)).toBeUndefined()
    expect(await lab.watch.getOrLoad(lists[1]!)).toEqual({ key: lists[1], seq: 0 })
    expect(await lab.watch.set(lists[2]!)).toBe('stored')
    expect(await lab.watch.delete(lists[3]!)).toBe('deleted')
    expect(await lab.watch.get(lists[2]!)).toBeDefined()
    await lab.traffic({ calls: 200, keys: lists })
    expect(circuits).toEqual([])
  },
)

/** What the cache is told of nodes' errors, as `code message`. */
function messages(lab: Lab): readonly string[] {
  const said: string[] = []
  lab.cache.on('node-error', ({ code, message }) => said.push(`${code} ${message}`))
  return said
}

interface Memory {
  /** From now on the server takes no more. */
  fill(): Promise<unknown>
  free(): Promise<unknown>
  has(storedKey: string): Promise<boolean>
}

async function outOfMemory(lab: Lab, memory: Memory): Promise<void> {
  const [old = '', absent = '', refreshed = ''] = lab.keysOf(0)
  const circuits = watchCircuits(lab)
  await readable(lab, [old, refreshed])
  await memory.fill()
  expect(await lab.watch.getOrLoad(absent)).toEqual({ key: absent, seq: 0 })
  expect(lab.cache.stats().dropped['fill-failed']).toBe(1)
  expect(await memory.has(absent)).toBe(false)
  expect(await lab.watch.set(old)).toBe('failed')
  expect(await lab.watch.get(old)).toBeUndefined()
  // What was removed has made room for one.
  await memory.fill()
  await lab.cache.getOrLoad(refreshed, () => lab.watch.truth.value(refreshed), { cache: 'refresh' })
  await until(() => lab.cache.stats().nodes[0]?.journal.keys === 0, 'the older values to be removed')
  expect([await memory.has(old), await memory.has(refreshed)]).toEqual([false, false])
  await lab.traffic({ calls: 200 })
  expect([circuits, circuitOf(lab)]).toEqual([[], 'closed'])
  await memory.free()
  await readable(lab, [old, absent])
}

let round = 0

/** Writes entries of the sizes that the test uses, until none is taken. */
async function fill(server: TestServer): Promise<void> {
  // A name that is there already would be removed when its new value finds no room.
  for (let before = -1; before !== (before = await keysOn(server)); round++) {
    const sets = Array.from({ length: 3_000 }, (_, i) => {
      const size = 60 + (i % 6) * 8
      return `set fill-${round}-${i} 0 0 ${size} noreply\r\n${'x'.repeat(size)}`
    })
    await memcachedText(server.port, sets.join('\r\n'))
  }
}
