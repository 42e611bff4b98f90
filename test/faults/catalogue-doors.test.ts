import { inspect } from 'node:util'
import { createConnection, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { ShardedCache } from '../../src/cache.ts'
import { memcachedNode } from '../../src/memcached/index.ts'
import { redisNode } from '../../src/redis/index.ts'
import { rejection } from '../support/caches.ts'
import { redisText, startMemcached, startRedis, until } from '../support/servers.ts'
import { diagnosed, KINDS, more, nothingLeftBehind, reaches, readable, row } from './catalogue.ts'

nothingLeftBehind()

const CANARY = 'canary-7f3a'

it.concurrent('NOAUTH, WRONGPASS at create, redis: loud, and without the password', async () => {
  const server = await startRedis({ args: ['--requirepass', 'right'] })
  try {
    for (const [login, word] of [
      [`:${CANARY}@`, 'WRONGPASS'],
      [`someone:${CANARY}@`, 'WRONGPASS'],
      ['', 'NOAUTH'],
    ] as const) {
      const node = redisNode(server.url.replace('//', `//${login}`), { id: 'a' })
      const error = await rejection(ShardedCache.create({ nodes: [node] }))
      expect(error).toMatchObject({ name: 'NodeError', code: 'ERR_AUTH', message: expect.stringContaining(word) })
      const told = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)} ${(error as Error).stack}`
      expect(told).not.toContain(CANARY)
    }
  } finally {
    await server.stop()
  }
})

row(
  'a password that changes while running, redis: down until it is right again',
  { servers: ['redis'] },
  async (lab) => {
    const { port, url } = lab.servers[0]!
    await redisText(port, `CONFIG SET requirepass ${CANARY}`)
    await lab.cache.setNodes([redisNode(url.replace('//', `//:${CANARY}@`), { id: 'n0' })])
    const told: string[] = []
    lab.cache.on('node-error', (event) => told.push(JSON.stringify(event)))
    await lab.traffic({
      during: async () => {
        await more(lab)
        await redisText(port, `AUTH ${CANARY}\r\nCONFIG SET requirepass other\r\nCLIENT KILL TYPE normal SKIPME yes`)
        await until(() => told.some((text) => text.includes('ERR_AUTH')), 'the login to be refused')
        await reaches(lab, 'open')
        expect(await lab.watch.delete('key-0')).toBe('journaled')
        await more(lab)
        await redisText(port, `AUTH other\r\nCONFIG SET requirepass ${CANARY}`)
        await reaches(lab, 'closed')
        await more(lab)
      },
    })
    await readable(lab, ['key-0'])
    expect(told.filter((text) => text.includes(CANARY))).toEqual([])
  },
)

row('max clients, redis: down until there is room', { servers: ['redis'] }, async (lab) => {
  const { port } = lab.servers[0]!
  const taker = await taken(port)
  await lab.traffic({
    during: async () => {
      await more(lab)
      taker.write('CONFIG SET maxclients 1\r\nCLIENT KILL TYPE normal SKIPME yes\r\n')
      await reaches(lab, 'open')
      await diagnosed(lab, /is full: ERR max number of clients/)
      await more(lab)
      taker.write('CONFIG SET maxclients 1000\r\n')
      await reaches(lab, 'closed')
    },
  })
  taker.destroy()
  await readable(lab, ['key-0'])
})

row('max clients, memcached: down until there is room', { servers: ['memcached'] }, async (lab) => {
  const server = await startMemcached({ args: ['-c', '64'] })
  const takers: Socket[] = []
  try {
    for (let i = 0; i < 80; i++) takers.push(await taken(server.port))
    await lab.cache.setNodes([memcachedNode(server.url, { id: 'n0' })])
    await reaches(lab, 'open')
    await lab.traffic({
      during: async () => {
        await more(lab)
        for (const taker of takers) taker.destroy()
        await reaches(lab, 'closed')
      },
    })
    await readable(lab, ['key-0'])
  } finally {
    for (const taker of takers) taker.destroy()
    await server.stop()
  }
})

for (const kind of KINDS) {
  row(
    `DNS failure, ${kind}: create goes on without the node, its keys are misses and loads`,
    {
      servers: [kind, kind],
      node: (url, id) => {
        const where = id === 'n1' ? `${kind}://no-such-host.invalid:1` : url
        return kind === 'redis' ? redisNode(where, { id }) : memcachedNode(where, { id })
      },
    },
    async (lab) => {
      await reaches(lab, 'open', 1)
      await lab.traffic({ calls: 500 })
      await readable(lab, lab.keysOf(0, 2))
      expect(lab.cache.stats().nodes[0]!.members[0]!.circuit).toBe('closed')
      const { issues } = await lab.cache.health()
      expect(issues[0]).toMatchObject({ code: 'ERR_NODE_DOWN', node: 'n1', text: expect.stringContaining('.invalid') })
    },
  )
}

/** A connection that is held. */
function taken(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
    socket.resume()
  })
}
