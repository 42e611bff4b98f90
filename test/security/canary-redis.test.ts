import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ShardedCache } from '../../src/cache.ts'
import { memoryNode } from '../../src/node/memory.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import type { RedisNodeOptions } from '../../src/redis/index.ts'
import { MAJORS, type AppClient, type Major } from '../redis/majors.ts'
import { makeCache } from '../support/caches.ts'
import { freePort, startRedis, until, type TestServer } from '../support/servers.ts'
import { exercise, leaks, secret, told, VALUE, Watch } from './canary.ts'

const RIGHT = secret('right')
const WRONG = secret('wrong')
const KEYS = ['k1', 'k2', 'k3']
const login = (user: string, password: string): string => `${user}:${encodeURIComponent(password)}@`

describe.each(MAJORS)('secrets and Redis, ioredis $major', (major: Major) => {
  let server: TestServer
  let admin: AppClient
  beforeAll(async () => {
    server = await startRedis()
    admin = major.client(server.port)
    await admin.call('ACL', 'SETUSER', 'app', 'on', `>${RIGHT}`, '~*', '&*', '+@all')
    await admin.call('CONFIG', 'SET', 'requirepass', RIGHT)
  })
  afterAll(async () => {
    admin?.disconnect()
    await server?.stop()
  })

  const at = (port: number, user = '', password = RIGHT): string => `redis://${login(user, password)}127.0.0.1:${port}`
  const own = (url: string, options?: RedisNodeOptions): NodeSpec =>
    makeRedisNode(major.Redis, url, { id: 'n', ...options })
  const lend = (options: object, port = server.port): NodeSpec => {
    const client = major.client(port, options)
    onTestFinished(() => client.disconnect())
    return makeRedisNode(major.Redis, client, { id: 'n' })
  }

  it('the client library alone gives them away: the control', async () => {
    const client = major.client(server.port, { password: WRONG, lazyConnect: true, retryStrategy: null })
    const errors: unknown[] = []
    client.on('error', (error) => errors.push(error))
    await client.connect().catch((error: unknown) => errors.push(error))
    await client.call('SET', 'key', JSON.stringify(VALUE)).catch((error: unknown) => errors.push(error))
    client.disconnect()
    expect(errors.length).toBeGreaterThan(0)
    expect(leaks(told(errors))).not.toEqual([])
  })

  it.each<[string, () => NodeSpec]>([
    ['a wrong password in the URL', () => own(at(server.port, '', WRONG))],
    ['a wrong password as an option', () => own(`redis://127.0.0.1:${server.port}`, { password: WRONG })],
    ['a wrong password of a user', () => own(at(server.port, 'app', WRONG))],
    ['a user that there is not', () => own(at(server.port, 'nobody', WRONG))],
    ['no password', () => own(`redis://127.0.0.1:${server.port}`)],
    ['a wrong password for a replica', () => own(at(server.port), { replicas: [at(server.port, 'app', WRONG)] })],
    ['a client with a wrong password', () => lend({ password: WRONG })],
    ['a client with a wrong password of a user', () => lend({ username: 'app', password: WRONG })],
    ['a client without a password', () => lend({})],
  ])('refused: %s', async (_, makeNode) => {
    const watch = new Watch()
    const cache = await makeCache({ nodes: [memoryNode('m')] })
    watch.listen(cache)
    const node = makeNode()
    expect(await watch.catch(() => ShardedCache.create({ nodes: [node] }))).toMatchObject({ code: 'ERR_AUTH' })
    expect(await watch.catch(() => cache.addNode(node))).toMatchObject({ code: 'ERR_AUTH' })
    watch.heard.push(node, cache.stats(), await cache.health())
    const said = watch.stop()
    expect(leaks(said)).toEqual([])
    expect(said.includes('ERR_AUTH')).toBe(true)
  })

  interface Trouble {
    readonly begin: () => unknown
    readonly end?: () => unknown
  }
  const config = (name: string, value: string, before: string): Trouble => ({
    begin: () => admin.call('CONFIG', 'SET', name, value),
    end: () => admin.call('CONFIG', 'SET', name, before),
  })
  const user = (...rules: string[]): Trouble => ({
    begin: () => admin.call('ACL', 'SETUSER', 'app', ...rules),
    end: () => admin.call('ACL', 'SETUSER', 'app', 'on', 'resetpass', `>${RIGHT}`, '~*', '+@all'),
  })
  const relogin = { begin: () => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes') }
  const troubles: [string, Trouble[]][] = [
    ['keys of another type', [{ begin: () => Promise.all(KEYS.map((key) => admin.lpush(key, 'x'))) }]],
    ['a server that is out of memory', [config('maxmemory', '1', '0')]],
    ['a server that hangs', [{ begin: () => server.pause(), end: () => server.resume() }]],
    ['a server that cuts connections', [relogin]],
    ['a user without rights', [user('-@all', '+info')]],
    ['a user without keys', [user('resetkeys')]],
    ['a password that was changed', [user('resetpass', '>other'), relogin]],
    ['a user that was switched off', [user('off'), relogin]],
    ['a server that takes writes no more', [config('min-replicas-to-write', '3', '0')]],
    ['a server that was killed', [{ begin: () => server.kill(), end: revive }]],
  ]
  async function revive(): Promise<void> {
    await server.restart()
    await until(() => admin.status === 'ready', 'the admin')
    await admin.call('ACL', 'SETUSER', 'app', 'on', `>${RIGHT}`, '~*', '&*', '+@all')
    await admin.call('CONFIG', 'SET', 'requirepass', RIGHT)
  }

  it.each(troubles)('in trouble: %s', async (name, steps) => {
    await admin.call('FLUSHALL')
    const watch = new Watch()
    const specs = [own(at(server.port, 'app')), lend({ username: 'app', password: RIGHT })]
    const caches = await Promise.all(
      specs.flatMap((node) =>
        (['miss', 'throw'] as const).map((onNodeError) => makeCache({ nodes: [node], onNodeError, nodeTimeout: 100 })),
      ),
    )
    try {
      for (const cache of caches) watch.listen(cache)
      for (const { begin } of steps) await begin()
      for (const cache of caches) await watch.catch(() => cache.get('k1'))
      for (const cache of caches) await watch.catch(() => cache.getMany(KEYS))
      await Promise.all(caches.map((cache) => exercise(cache, watch, KEYS)))
    } finally {
      for (const { end } of steps) await end?.()
    }
    const said = watch.stop()
    expect(leaks(said)).toEqual([])
    // A key of another type is a miss, and no more.
    expect([...watch.types]).toContain(name === troubles[0]?.[0] ? 'miss' : 'node-error')
    expect(leaks(told(specs))).toEqual([])
  })

  it('a server that is not there', async () => {
    const port = await freePort()
    const watch = new Watch()
    for (const node of [own(at(port, 'app')), lend({ username: 'app', password: RIGHT }, port)])
      for (const onNodeError of ['miss', 'throw'] as const) {
        const cache = await makeCache({ nodes: [node], onNodeError, nodeTimeout: 50 })
        watch.listen(cache)
        await exercise(cache, watch, KEYS)
      }
    const said = watch.stop()
    expect(leaks(said)).toEqual([])
    expect(said.includes('ECONNREFUSED')).toBe(true)
  })

  it('commands that the server does not know, which it answers with their arguments', async () => {
    const args = ['GET', 'MGET', 'SET', 'DEL', 'EVAL'].flatMap((name) => ['--rename-command', name, ''])
    const bare = await startRedis({ args })
    onTestFinished(() => bare.stop())
    const watch = new Watch()
    for (const node of [own(`redis://127.0.0.1:${bare.port}`), lend({}, bare.port)])
      for (const onNodeError of ['miss', 'throw'] as const) {
        const cache = await makeCache({ nodes: [node], onNodeError })
        watch.listen(cache)
        await exercise(cache, watch, KEYS)
      }
    const said = watch.stop()
    expect(leaks(said)).toEqual([])
    expect(/unknown command .?set/i.test(said)).toBe(true)
    const raw = major.client(bare.port)
    const error: unknown = await raw.set('k', JSON.stringify(VALUE)).catch((caught: unknown) => caught)
    raw.disconnect()
    expect((error as Error).message).toContain('with args beginning with')
    expect(leaks(told(error))).not.toEqual([])
  })
})
