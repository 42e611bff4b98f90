import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { codeOf, fetch, opener, put } from '../redis/harness.ts'
import { MAJORS, type Major } from '../redis/majors.ts'
import { freePort, redisText, startRedis, until, type TestServer } from '../support/servers.ts'

const CANARY = 's3cr3t-canary'

describe.each(MAJORS)('redisNode in trouble, ioredis $major', (major: Major) => {
  const open = opener()
  const said: unknown[] = []
  const unhandled = (error: unknown): void => void said.push(error)
  let server: TestServer
  beforeAll(async () => {
    process.on('unhandledRejection', unhandled)
    for (const method of ['log', 'warn', 'error'] as const) {
      vi.spyOn(console, method).mockImplementation((...words) => said.push(words))
    }
    server = await startRedis()
  })
  afterAll(async () => {
    await server.stop()
    process.off('unhandledRejection', unhandled)
    expect(said).toEqual([])
  })

  const connected = async (target = server.url, options = {}): Promise<ReturnType<typeof open>> => {
    const adapter = open(major, target, options)
    await adapter.connect()
    return adapter
  }

  it('fails at once while the server is down, and works again by itself', async () => {
    const adapter = await connected()
    await put(adapter, 'a', 'x')
    const before = await adapter.connect()
    await server.kill()
    await until(async () => codeOf(await fetch(adapter, 'a')) === 'ERR_NODE_DOWN', 'reads to fail')
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'ERR_NODE_DOWN',
      message: `127.0.0.1:${server.port} cannot be reached: ECONNREFUSED`,
    })
    expect(codeOf(await put(adapter, 'a', CANARY))).toBe('ERR_NODE_DOWN')
    expect((await adapter.remove(['a', 'b'])).map(codeOf)).toEqual(['ERR_NODE_DOWN', 'ERR_NODE_DOWN'])
    await server.restart()
    await until(async () => (await put(adapter, 'a', 'y')) === 'stored', 'writes to work')
    expect((await adapter.connect()).runId).not.toBe(before.runId)
  })

  it('rejects connect for a server that was never there, and finds it later', async () => {
    const port = await freePort()
    const adapter = open(major, `redis://127.0.0.1:${port}`)
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    const late = await startRedis({ port })
    try {
      await until(async () => (await fetch(adapter, 'a')) === undefined, 'reads to work')
    } finally {
      await late.stop()
    }
  })

  it('rejects connect for a name that does not exist', async () => {
    const adapter = open(major, 'redis://no-such-host.invalid')
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
  })

  it('drops the connection to a server that hangs, and settles what was under way', async () => {
    const adapter = await connected()
    server.pause()
    try {
      const read = fetch(adapter, 'a')
      adapter.reset()
      expect(codeOf(await read)).toBe('ERR_NODE_DOWN')
      await expect(open(major, server.url, { connectTimeout: 100 }).connect()).rejects.toMatchObject({
        code: 'ERR_NODE_DOWN',
        message: expect.stringContaining('100 ms'),
      })
    } finally {
      server.resume()
    }
    await until(async () => codeOf(await fetch(adapter, 'b')) === undefined, 'reads to work')
  })

  it('closes a hung server’s connection without waiting for it', async () => {
    const adapter = await connected()
    server.pause()
    try {
      const read = fetch(adapter, 'a')
      const start = performance.now()
      await adapter.close()
      expect(performance.now() - start).toBeLessThan(2_000)
      expect(codeOf(await read)).toBe('ERR_NODE_DOWN')
    } finally {
      server.resume()
    }
  })

  it('leaves no connection behind, and no socket of its own', async () => {
    const clients = async (): Promise<number> =>
      (await redisText(server.port, 'CLIENT LIST')).split('\n').filter((line) => line.startsWith('id=')).length
    await until(async () => (await clients()) === 1, 'earlier connections to end')
    const adapters = await Promise.all(Array.from({ length: 5 }, () => connected()))
    expect(await clients()).toBe(6)
    await Promise.all(adapters.map((adapter) => adapter.close()))
    await until(async () => (await clients()) === 1, 'the connections to end')
  })

  it('tells that a server is full, and comes in when there is room', async () => {
    const full = await startRedis({ args: ['--maxclients', '1'] })
    try {
      const first = open(major, full.url)
      // The one place is taken for a moment by the connection that saw the server start.
      await until(async () => (await fetch(first, 'a')) === undefined, 'the first to get in')
      const second = open(major, full.url)
      await expect(second.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
      await first.close()
      await until(async () => (await fetch(second, 'a')) === undefined, 'the second to get in')
    } finally {
      await full.stop()
    }
  })

  it('passes on what a busy server says, and recovers', async () => {
    const adapter = await connected()
    await redisText(server.port, 'CONFIG SET busy-reply-threshold 1')
    const endless = redisText(server.port, 'EVAL "while true do end" 0').catch(() => '')
    await until(async () => String(await fetch(adapter, 'a')).includes('BUSY'), 'the server to be busy')
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'ERR_NODE_UNREADY',
      message: expect.stringContaining('BUSY'),
    })
    await redisText(server.port, 'SCRIPT KILL')
    await endless
    await until(async () => (await fetch(adapter, 'none')) === undefined, 'reads to work')
  })

  describe('at the login', () => {
    let locked: TestServer
    beforeAll(async () => {
      locked = await startRedis({ args: ['--requirepass', 'secret'] })
    })
    afterAll(() => locked.stop())
    const at = (credentials: string): string => `redis://${credentials}127.0.0.1:${locked.port}`

    it('gets in with the password', async () => {
      const adapter = await connected(at(':secret@'))
      expect(await put(adapter, 'a', 'x')).toBe('stored')
      await connected(at(''), { password: 'secret' })
      await connected(at('default:wrong@'), { password: 'secret' })
    })

    it.each([
      ['none', '', 'asks for a password'],
      ['a wrong one', `:${CANARY}@`, 'refused the default user'],
      ['a wrong user', `nobody:${CANARY}@`, 'refused the user "nobody"'],
    ])('rejects with ERR_AUTH for %s as password', async (_, credentials, words) => {
      const adapter = open(major, at(credentials))
      const error: unknown = await adapter.connect().catch((caught: unknown) => caught)
      expect(error).toMatchObject({
        name: 'NodeError',
        code: 'ERR_AUTH',
        message: expect.stringContaining(`127.0.0.1:${locked.port} ${words}`),
      })
      const [read] = await adapter.read(['a'])
      expect(codeOf(read)).toBe('ERR_AUTH')
      const told = inspect([error, read, adapter], { depth: 12, showHidden: true }) + JSON.stringify([error, read])
      expect(told).not.toContain(CANARY)
    })

    it('never serves as somebody else when the default user needs no password', async () => {
      const adapter = open(major, `redis://nobody:${CANARY}@127.0.0.1:${server.port}`)
      await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_AUTH' })
      expect(codeOf(await put(adapter, 'astray', 'x'))).toBe('ERR_AUTH')
    })

    it('gets in once the server takes the password', async () => {
      const adapter = open(major, at(':later@'))
      await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_AUTH' })
      const admin = major.client(locked.port, { password: 'secret' })
      await admin.call('ACL', 'SETUSER', 'default', '>later')
      admin.disconnect()
      await until(async () => (await fetch(adapter, 'none')) === undefined, 'reads to work')
    })
  })
})
