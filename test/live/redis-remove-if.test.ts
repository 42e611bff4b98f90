import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { fetch, opener, put, TTL } from '../redis/harness.ts'
import { MAJORS, type AppClient, type Major } from '../redis/majors.ts'
import { ACL_USER } from '../support/acl.ts'
import { startRedis, startReplica, until, type TestServer } from '../support/servers.ts'

describe.each(MAJORS)('removing a key that holds certain bytes, ioredis $major', (major: Major) => {
  const open = opener()
  const lent: AppClient[] = []
  let server: TestServer
  let app: AppClient
  beforeAll(async () => {
    server = await startRedis()
    app = major.client(server.port)
  })
  afterEach(() => {
    for (const client of lent.splice(0)) client.disconnect()
  })
  afterAll(async () => {
    app.disconnect()
    await server.stop()
  })

  const connected = async (target: unknown = server.url): Promise<NodeAdapter> => {
    const adapter = open(major, target)
    await adapter.connect()
    return adapter
  }
  const removeIf = (adapter: NodeAdapter, key: string, value: Uint8Array): Promise<boolean> =>
    (adapter.powers.removeIf as NonNullable<typeof adapter.powers.removeIf>)(key, value)
  const user = async (...rules: string[]): Promise<string> => {
    const [, name, ...words] = ACL_USER.split(' ')
    await app.call('ACL', 'SETUSER', name as string, 'reset', ...words, ...rules)
    return `redis://cache:secret@127.0.0.1:${server.port}`
  }

  it('removes what matches, to the byte, and nothing else', async () => {
    const adapter = await connected()
    // As a plain array of bytes, a view into another buffer.
    const value = new Uint8Array(randomBytes(50)).subarray(3, 40)
    const almost = Uint8Array.from(value, (byte, index) => (index === 36 ? byte ^ 1 : byte))
    await adapter.write([{ key: 'a', value, ttl: TTL }])
    for (const other of [almost, value.subarray(0, 36), Buffer.alloc(0)]) {
      expect(await removeIf(adapter, 'a', other)).toBe(false)
    }
    expect(await adapter.read(['a'])).toEqual([Buffer.from(value)])
    expect(await removeIf(adapter, 'a', value)).toBe(true)
    expect(await adapter.read(['a'])).toEqual([undefined])
    expect(await removeIf(adapter, 'a', value)).toBe(false)
  })

  it('leaves a list alone', async () => {
    await app.lpush('list', 'x')
    expect(await removeIf(await connected(), 'list', Buffer.from('x'))).toBe(false)
    expect(await app.call('LLEN', 'list')).toBe(1)
  })

  it('respects the prefix of a client that was passed in', async () => {
    const client = major.client(server.port, { keyPrefix: 'app:' })
    lent.push(client)
    const adapter = await connected(client)
    await put(adapter, 'p', 'x')
    expect(await removeIf(adapter, 'p', Buffer.from('x'))).toBe(true)
    expect(await app.get('app:p')).toBeNull()
  })

  it('works for a user with +eval, and is refused once per connection without', async () => {
    const able = await connected(await user('+eval'))
    await put(able, 'app:1', 'x')
    expect(await removeIf(able, 'app:1', Buffer.from('x'))).toBe(true)

    const adapter = await connected(await user())
    await put(adapter, 'app:1', 'x')
    await app.call('ACL', 'LOG', 'RESET')
    for (let round = 0; round < 3; round++) {
      await expect(removeIf(adapter, 'app:1', Buffer.from('CANARY'))).rejects.toMatchObject({
        name: 'NodeError',
        code: 'ERR_NODE',
        message: expect.stringMatching(/eval/i),
      })
    }
    const [entry] = (await app.call('ACL', 'LOG')) as unknown[][]
    expect(entry?.slice(0, 2)).toEqual(['count', 1])
    expect(await fetch(adapter, 'app:1')).toBe('x')
  })

  it('is an error where EVAL was renamed, the key is not the user’s, or the server is a replica', async () => {
    const crippled = await startRedis({ args: ['--rename-command', 'EVAL', ''] })
    const replica = await startReplica(server)
    try {
      await put(await connected(), 'app:2', 'CANARY')
      const second = await connected(replica.url)
      await until(async () => (await fetch(second, 'app:2')) === 'CANARY', 'the replica')
      for (const [url, key] of [
        [crippled.url, 'app:2'],
        [await user('+eval'), 'other:1'],
        [replica.url, 'app:2'],
      ] as const) {
        const outcome: unknown = await removeIf(await connected(url), key, Buffer.from('CANARY')).catch(
          (error: unknown) => error,
        )
        expect(outcome).toMatchObject({ name: 'NodeError', code: 'ERR_NODE' })
        expect(String(outcome)).not.toContain('CANARY')
      }
    } finally {
      await replica.stop()
      await crippled.stop()
    }
  })

  it('is an error while there is no connection', async () => {
    const adapter = await connected()
    await adapter.close()
    await expect(removeIf(adapter, 'a', Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
  })
})
