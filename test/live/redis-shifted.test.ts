import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { codeOf, fetch, opener, put, TTL } from '../redis/harness.ts'
import { MAJORS, type AppClient, type Major } from '../redis/majors.ts'
import { startRelay, type Relay } from '../redis/relay.ts'
import { startRedis, until, type TestServer } from '../support/servers.ts'

/** A reply that no command asked for: all that follow on the connection belong to the command before. */
const SURPLUS = '$5\r\nhello\r\n'

describe.each(MAJORS)('replies that are shifted, ioredis $major', (major: Major) => {
  const open = opener()
  let server: TestServer
  let relay: Relay
  let truth: AppClient
  const lent: AppClient[] = []
  beforeAll(async () => {
    server = await startRedis()
    relay = await startRelay(server.port)
    truth = major.client(server.port)
  })
  afterEach(() => {
    for (const client of lent.splice(0)) client.disconnect()
  })
  afterAll(async () => {
    truth.disconnect()
    await relay.stop()
    await server.stop()
  })

  /** A client of the application's own, on which all is quiet. */
  const lend = async (port: number, options?: object): Promise<AppClient> => {
    const client = major.client(port, options)
    lent.push(client)
    await client.info()
    return client
  }
  const connected = async (target: unknown = `redis://127.0.0.1:${relay.port}`): Promise<NodeAdapter> => {
    const adapter = open(major, target)
    await adapter.connect()
    return adapter
  }
  const item = (key: string): { key: string; value: Buffer; ttl: number } => ({
    key,
    value: Buffer.from(key),
    ttl: TTL,
  })

  it.each<[string, (adapter: NodeAdapter) => Promise<unknown[]>]>([
    ['SET', (adapter) => adapter.write([item('a')])],
    ['SETs in one piece', (adapter) => adapter.write([item('a'), item('b'), item('c')])],
    ['DEL', (adapter) => adapter.remove(['a'])],
    ['DELs in one piece', (adapter) => adapter.remove(['a', 'b', 'c'])],
    ['MGET', (adapter) => adapter.read(['a', 'b'])],
    ['INFO', async (adapter) => [await adapter.powers.info?.().catch((error: unknown) => error)]],
    [
      'EVAL',
      async (adapter) => [await adapter.powers.removeIf?.('a', Buffer.from('a')).catch((error: unknown) => error)],
    ],
    ['a probe', async (adapter) => [await adapter.connect().catch((error: unknown) => error)]],
  ])('%s: takes no reply of another type, and has a new connection', async (what, ask) => {
    const adapter = await connected()
    const { taken } = relay
    relay.insert(SURPLUS)
    const outcomes = await ask(adapter)
    // Who waits for an identity hears it from the next connection.
    if (what === 'a probe') expect(outcomes).toMatchObject([{ role: 'primary' }])
    else {
      for (const outcome of outcomes) expect(outcome).toMatchObject({ code: 'ERR_NODE_DOWN' })
      expect(String(outcomes[0])).toMatch(/broke the protocol.*; reconnecting/)
      expect(String(outcomes[0])).not.toContain('hello')
    }
    await until(async () => (await put(adapter, 'again', 'x')) === 'stored', 'writes to work')
    expect(relay.taken).toBe(taken + 1)
  })

  it('takes nothing for an answer that arrived behind it, although it would fit', async () => {
    for (let round = 0; round < 20; round++) {
      const adapter = await connected()
      await put(adapter, 'there', 'x')
      relay.insert(SURPLUS)
      const outcomes = await Promise.all([
        adapter.write([item('w1'), item('w2'), item('w3')]),
        adapter.write([item('w4')]),
        adapter.remove(['there']),
        adapter.remove(['never']),
        adapter.remove(['never', 'there']),
        adapter.write([item('w5')]),
        adapter.read(['w1', 'w2']),
        adapter.read(['never']),
      ])
      expect(outcomes.flat().map(codeOf)).toEqual(outcomes.flat().map(() => 'ERR_NODE_DOWN'))
      await adapter.close()
    }
  })

  // At a null, ioredis itself would end the process.
  it.each([SURPLUS, '$-1\r\n', ':1\r\n', '-ERR what\r\n'])(
    'connects anew on %j that nobody waits for',
    async (reply) => {
      const adapter = await connected()
      const { taken } = relay
      relay.say(reply)
      await until(() => relay.taken === taken + 1, 'a new connection')
      await until(async () => (await put(adapter, 'again', 'x')) === 'stored', 'writes to work')
    },
  )

  it('never tells a wrong outcome of a set or a delete, wherever the surplus falls', async () => {
    const adapter = await connected()
    let [told, failed] = [0, 0]
    for (let round = 0; round < 150; round++) {
      const [present, absent] = [`p${round}`, `n${round}`]
      await until(async () => (await put(adapter, present, 'x')) === 'stored', 'writes to work')
      if (round % 3 === 0) relay.insert(SURPLUS)
      const working = [adapter.remove([absent]), adapter.write([item(`s${round}`)]), adapter.remove([present])]
      if (round % 3 === 1) relay.say(SURPLUS)
      const outcomes = (await Promise.all(working)).flat()
      const right = ['absent', 'stored', 'deleted']
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome instanceof Error) failed++
        else {
          told++
          expect([round, outcome]).toEqual([round, right[index]])
          if (outcome === 'stored') expect(await truth.get(`s${round}`)).toBe(`s${round}`)
          if (outcome === 'deleted') expect(await truth.get(present)).toBeNull()
        }
      }
    }
    expect(failed).toBeGreaterThan(50)
    expect(told).toBeGreaterThan(50)
  })

  it('connects in time to a server that spoils the first answer on a connection', async () => {
    const adapter = open(major, `redis://127.0.0.1:${relay.port}`)
    relay.insert('+OK\r\n')
    await expect(adapter.connect()).rejects.toMatchObject({ message: expect.stringContaining('broke the protocol') })
    await until(async () => (await fetch(adapter, 'none')) === undefined, 'reads to work')
  })

  it('leaves a client that was passed in alone, and serves again when its replies are right again', async () => {
    const client = await lend(relay.port)
    const adapter = await connected(client)
    const { taken } = relay
    relay.insert(SURPLUS)
    const outcomes = await Promise.all([adapter.remove(['never']), adapter.write([item('a')])])
    expect(outcomes.flat()).toMatchObject([{ code: 'ERR_NODE_DOWN' }, { code: 'ERR_NODE_DOWN' }])
    expect(String(outcomes[0])).toContain('is not reset')
    expect(client.status).toBe('ready')
    await until(async () => (await put(adapter, 'again', 'x')) === 'stored', 'writes to work')
    expect(relay.taken).toBe(taken)
  })

  it('understands a client that gives numbers as text', async () => {
    const adapter = await connected(await lend(server.port, { stringNumbers: true }))
    await put(adapter, 'a', 'x')
    await put(adapter, 'b', 'x')
    expect(await adapter.remove(['a', 'never'])).toEqual(['deleted', 'absent'])
    expect(await adapter.powers.removeIf?.('b', Buffer.from('x'))).toBe(true)
  })

  it('control: a plain client takes them all', async () => {
    const client = await lend(relay.port)
    relay.insert(SURPLUS)
    expect(await Promise.all([client.set('a', 'y'), client.call('DEL', 'never'), client.get('a')])).toEqual([
      'hello',
      'OK',
      0,
    ])
  })
})
