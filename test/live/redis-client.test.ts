import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { redisNode } from '../../src/redis/index.ts'
import { codeOf, fetch, opener, put, TTL } from '../redis/harness.ts'
import { MAJORS, type AppClient, type Major } from '../redis/majors.ts'
import { startRedis, until, type TestServer } from '../support/servers.ts'

describe.each(MAJORS)('redisNode with the application’s client, ioredis $major', (major: Major) => {
  const open = opener()
  const lent: AppClient[] = []
  let server: TestServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterEach(() => {
    for (const client of lent.splice(0)) client.disconnect()
  })
  afterAll(() => server.stop())

  const lend = (options: object = {}): AppClient => {
    const client = major.client(server.port, options)
    lent.push(client)
    return client
  }
  const EVENTS = ['connect', 'ready', 'close', 'end', 'error']
  const listeners = (client: AppClient): number[] => EVENTS.map((event) => client.listenerCount(event))

  it('serves through it, and leaves it as it was', async () => {
    const client = lend()
    await client.info()
    const before = listeners(client)
    const adapter = open(major, client)
    expect(await adapter.connect()).toMatchObject({ role: 'primary' })
    await put(adapter, 'a', 'x')
    adapter.reset()
    expect(await fetch(adapter, 'a')).toBe('x')
    await adapter.close()
    expect(client.status).toBe('ready')
    expect(await client.get('a')).toBe('x')
    expect(listeners(client)).toEqual(before)
    expect(codeOf(await fetch(adapter, 'a'))).toBe('ERR_NODE_DOWN')
  })

  it('connects a lazy one, and waits for one that is connecting', async () => {
    for (const options of [{ lazyConnect: true }, {}]) {
      const adapter = open(major, lend(options))
      await adapter.connect()
      expect(await fetch(adapter, 'none')).toBeUndefined()
    }
  })

  it('respects its prefix, database and credentials', async () => {
    const client = lend({ keyPrefix: 'app:', db: 2 })
    const adapter = open(major, client)
    await adapter.connect()
    await adapter.write([
      { key: 'a', value: Buffer.from('1'), ttl: TTL },
      { key: 'b', value: Buffer.from('2'), ttl: TTL },
    ])
    expect((await adapter.read(['a', 'b'])).map(String)).toEqual(['1', '2'])
    expect(await lend({ db: 2 }).get('app:b')).toBe('2')
    expect((await adapter.powers.info?.())?.keys).toBe(2)
    expect(await adapter.remove(['a', 'b'])).toEqual(['deleted', 'deleted'])
  })

  it('queues nothing in it while the server is down, and works again after', async () => {
    const client = lend()
    const adapter = open(major, client)
    await adapter.connect()
    await server.kill()
    await until(async () => codeOf(await fetch(adapter, 'a')) === 'ERR_NODE_DOWN', 'reads to fail')
    expect(codeOf(await put(adapter, 'ghost', 'x'))).toBe('ERR_NODE_DOWN')
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    await server.restart()
    await until(async () => (await put(adapter, 'a', 'x')) === 'stored', 'writes to work')
    expect(await client.get('ghost')).toBeNull()
  })

  it('settles what is under way when reset, although the client goes on waiting', async () => {
    const adapter = open(major, lend())
    await adapter.connect()
    server.pause()
    try {
      const read = fetch(adapter, 'a')
      adapter.reset()
      expect(codeOf(await read)).toBe('ERR_NODE_DOWN')
    } finally {
      server.resume()
    }
    await until(async () => !((await fetch(adapter, 'a')) instanceof Error), 'reads to work')
  })

  it('does not bring one back that the application closed', async () => {
    const client = lend()
    const adapter = open(major, client)
    await adapter.connect()
    await client.quit()
    await until(() => client.status === 'end', 'the client to end')
    await expect(adapter.connect()).rejects.toMatchObject({ message: expect.stringContaining('has been closed') })
    expect(codeOf(await fetch(adapter, 'a'))).toBe('ERR_NODE_DOWN')
    expect(client.status).toBe('end')
  })

  it('passes on the client’s own time-out as one', async () => {
    const adapter = open(major, lend({ commandTimeout: 50 }))
    await adapter.connect()
    server.pause()
    try {
      expect(codeOf(await fetch(adapter, 'a'))).toBe('ERR_NODE_TIMEOUT')
    } finally {
      server.resume()
    }
  })

  it('refuses a subscriber, and says so when a client becomes one', async () => {
    const client = lend({ protocol: 2 })
    const adapter = open(major, client)
    await adapter.connect()
    await client.subscribe('channel')
    expect(codeOf(await fetch(adapter, 'a'))).toBe('ERR_NODE')
    expect(() => redisNode(client)).toThrow(expect.objectContaining({ code: 'ERR_CLIENT' }))
  })

  it('tells ERR_AUTH for a client with a wrong password', async () => {
    const adapter = open(major, lend({ username: 'nobody', password: 's3cr3t-canary' }))
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'ERR_AUTH',
      message: expect.not.stringContaining('s3cr3t-canary'),
    })
    expect(codeOf(await put(adapter, 'astray', 'x'))).toBe('ERR_AUTH')
  })
})

describe('a process that used redisNode', () => {
  it.each(['up', 'down', 'hung'])('ends after close, with the server %s', async (state) => {
    const server = await startRedis()
    const source = new URL('../../src/', import.meta.url)
    const script = `
      import { redisNode } from '${new URL('redis/index.ts', source).href}'
      import { bareContext } from '${new URL('../support/context.ts', import.meta.url).href}'
      const adapter = redisNode('${server.url}').primary.open(bareContext)
      await adapter.connect().catch(() => {})
      const read = adapter.read(['a'])
      await adapter.close()
      await read
      process.stdout.write(String(performance.now()))
      process.on('exit', () => process.stdout.write(' ' + performance.now()))
    `
    try {
      if (state === 'down') await server.kill()
      if (state === 'hung') server.pause()
      const run = promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
        timeout: 15_000,
      })
      const [closed, ended] = (await run).stdout.split(' ').map(Number) as [number, number]
      expect(ended - closed).toBeLessThan(1_000)
    } finally {
      server.resume()
      await server.stop()
    }
  })
})
