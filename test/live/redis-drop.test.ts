import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Authority } from '../redis/certificates.ts'
import { codeOf, fetch, opener, put } from '../redis/harness.ts'
import { MAJORS, type AppClient, type Major } from '../redis/majors.ts'
import { startRelay, type Relay } from '../redis/relay.ts'
import { startTls, type TlsServer } from '../redis/tls-server.ts'
import { startRedis, startReplica, until, type TestServer } from '../support/servers.ts'

const authority = new Authority('test authority')
const WAYS = MAJORS.flatMap((each) => [
  { ...each, way: 'TCP', secure: false },
  { ...each, way: 'TLS', secure: true },
])

describe.each(WAYS)('a connection that is given up, ioredis $major over $way', (given: Major & { secure: boolean }) => {
  const major: Major = given
  const open = opener()
  const lent: AppClient[] = []
  const stops: (() => unknown)[] = []
  let server: TestServer
  let relay: Relay
  beforeAll(async () => {
    server = await startRedis()
    relay = await relayTo(server)
  })
  afterEach(() => {
    for (const client of lent.splice(0)) client.disconnect()
  })
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop()
    await server.stop()
  })

  const relayTo = async (target: TestServer): Promise<Relay> => {
    let port = target.port
    if (given.secure) {
      const secure: TlsServer = await startTls(authority, port)
      stops.push(secure.stop)
      port = secure.port
    }
    const made = await startRelay(port)
    stops.push(made.stop)
    return made
  }
  const tls = given.secure ? { tls: { ca: authority.cert } } : {}
  const at = (through: Relay, options: object = {}): ReturnType<typeof open> =>
    open(major, `redis://127.0.0.1:${through.port}`, { ...tls, ...options })
  const connected = async (through: Relay): Promise<ReturnType<typeof open>> => {
    const adapter = at(through)
    await adapter.connect()
    return adapter
  }
  /** Asks for something, and resolves when it has come as far as the relay. */
  const underWay = async <T>(through: Relay, ask: () => Promise<T>): Promise<{ settled: Promise<T> }> => {
    const before = through.heard
    const settled = ask()
    await until(() => through.heard > before, 'the command to arrive')
    return { settled }
  }
  /** Runs something that ends one connection, and says how it ended. */
  const howItEnds = async (through: Relay, run: () => unknown): Promise<string> => {
    const before = through.ends.length
    await run()
    await until(() => through.ends.length > before, 'the end of the connection')
    return through.ends[before] as string
  }

  it('is reset by reset(), with a write under way, and commands go through again', async () => {
    const adapter = await connected(relay)
    server.pause()
    try {
      const { settled } = await underWay(relay, () => put(adapter, 'a', 'x'))
      expect(await howItEnds(relay, () => adapter.reset())).toBe('reset')
      expect(codeOf(await settled)).toBe('ERR_NODE_DOWN')
    } finally {
      server.resume()
    }
    await until(async () => (await put(adapter, 'a', 'y')) === 'stored', 'writes to work')
  })

  it('is reset with more under way than the kernel takes', async () => {
    const adapter = await connected(relay)
    server.pause()
    try {
      const value = Buffer.alloc(32 * 2 ** 20)
      const { settled } = await underWay(relay, () => adapter.write([{ key: 'large', value, ttl: 60_000 }]))
      expect(await howItEnds(relay, () => adapter.reset())).toBe('reset')
      expect((await settled).map(codeOf)).toEqual(['ERR_NODE_DOWN'])
    } finally {
      server.resume()
    }
    await until(async () => (await fetch(adapter, 'none')) === undefined, 'reads to work')
  })

  it('is reset on READONLY, for a write that is not the only one', async () => {
    const replica = await startReplica(server)
    stops.push(replica.stop)
    const through = await relayTo(replica)
    const adapter = await connected(through)
    const outcomes: unknown[] = []
    const writes = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 5 }, async (_, n) => outcomes.push(await put(adapter, `r${n}`, 'x'))))
    expect(await howItEnds(through, writes)).toBe('reset')
    expect(outcomes.map(codeOf)).toContain('ERR_NODE')
    for (const outcome of outcomes) expect(['ERR_NODE', 'ERR_NODE_DOWN']).toContain(codeOf(outcome))
    await until(async () => (await fetch(adapter, 'none')) === undefined, 'reads to work')
  })

  it('is reset when what arrives cannot be read', async () => {
    const adapter = await connected(relay)
    relay.swallow()
    try {
      const { settled } = await underWay(relay, () => put(adapter, 'a', 'x'))
      expect(await howItEnds(relay, () => relay.say('?what\r\n'))).toBe('reset')
      expect(codeOf(await settled)).toBe('ERR_NODE_DOWN')
    } finally {
      relay.answer()
    }
    await until(async () => (await put(adapter, 'a', 'y')) === 'stored', 'writes to work')
  })

  it('is reset when the login is refused', async () => {
    const adapter = at(relay, { username: 'nobody', password: 'wrong' })
    const refused = (): Promise<void> => expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_AUTH' })
    expect(await howItEnds(relay, refused)).toBe('reset')
  })

  it('is reset by close()', async () => {
    const adapter = await connected(relay)
    server.pause()
    try {
      const { settled } = await underWay(relay, () => put(adapter, 'a', 'x'))
      expect(await howItEnds(relay, () => adapter.close())).toBe('reset')
      expect(codeOf(await settled)).toBe('ERR_NODE_DOWN')
    } finally {
      server.resume()
    }
  })

  it.each([
    ['asked who it is', [], {}],
    ['asked for the login', ['--requirepass', 'secret'], { password: 'secret' }],
  ])('is reset, and tried again, while the server says nothing when %s', async (_, args, options) => {
    const silent = await startRedis({ args })
    stops.push(silent.stop)
    const mute = await relayTo(silent)
    mute.swallow()
    const adapter = at(mute, { connectTimeout: 100, ...options })
    await expect(adapter.connect()).rejects.toMatchObject({
      code: 'ERR_NODE_DOWN',
      message: expect.stringContaining('no answer within 100 ms'),
    })
    await until(() => mute.taken > 3, 'further attempts')
    expect(mute.ends.length).toBeGreaterThanOrEqual(2)
    expect(new Set(mute.ends)).toEqual(new Set(['reset']))
    mute.answer()
    await until(async () => (await fetch(adapter, 'none')) === undefined, 'reads to work')
  })

  it('control: a plain client ends it in the ordinary way, and what was sent may still arrive', async () => {
    const client = major.client(relay.port, given.secure ? tls : {})
    lent.push(client)
    await client.info()
    server.pause()
    try {
      const { settled } = await underWay(relay, () => client.set('a', 'x').catch(() => {}))
      expect(await howItEnds(relay, () => client.disconnect())).toBe('fin')
      await settled
    } finally {
      server.resume()
    }
  })
})
