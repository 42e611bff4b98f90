import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { NodeAdapter, NodeIdentity } from '../../src/node/contract.ts'
import { systemClock } from '../../src/base/clock.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import { faulty, type FaultLab } from '../../src/testing/index.ts'
import { MAJORS, type Major } from '../redis/majors.ts'
import { makeCache } from '../support/caches.ts'
import { redisText, startRedis, until, type TestServer } from '../support/servers.ts'
import { put, removed, texts } from './faulty-bench.ts'

describe.each(MAJORS)('a laboratory around redisNode, ioredis $major', ({ Redis }: Major) => {
  let server: TestServer
  let lab: FaultLab
  let adapter: NodeAdapter
  let met: NodeIdentity[]
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())
  afterEach(() => adapter.close())

  const open = async (): Promise<void> => {
    await redisText(server.port, 'FLUSHALL')
    met = []
    lab = faulty(makeRedisNode(Redis, server.url, {}))
    const identified = (identity: NodeIdentity): void => void met.push(identity)
    adapter = lab.node.primary.open({ nodeTimeout: 1_000, clock: systemClock, identified })
    await adapter.connect()
  }
  const stored = async (key: string): Promise<boolean> =>
    (await redisText(server.port, `EXISTS ${key}`)).startsWith(':1')
  const works = (): Promise<void> => until(async () => (await put(adapter, { probe: 'x' }))[0] === 'stored', 'writes')

  it.each([true, false])('drop: the real connection ends; the write is on the server (%s) or not', async (applied) => {
    await open()
    const id = async (): Promise<string | undefined> =>
      /^id=(\d+) .*cmd=(?!client)/m.exec(await redisText(server.port, 'CLIENT LIST'))?.[1]
    const before = await id()
    expect(before).toBeDefined()
    lab.inject({ fault: 'drop', operation: 'write', applied, times: 1 })
    expect(await put(adapter, { k: 'x' })).toEqual(['ERR_NODE_DOWN'])
    await works()
    expect(await id()).not.toBe(before)
    expect(await stored('k')).toBe(applied)
  })

  it('error, corrupt: the keys struck, and nothing on the server', async () => {
    await open()
    await put(adapter, { a: 'one', b: 'two', c: 'three' })
    lab.inject({ fault: 'error', keys: 'b' })
    lab.inject({ fault: 'corrupt', keys: 'c' })
    const [a, b, c] = await texts(adapter, 'a', 'b', 'c')
    expect([a, b]).toEqual(['one', 'ERR_NODE'])
    expect(c).not.toBe('three')
    expect(await removed(adapter, 'a', 'b')).toEqual(['deleted', 'ERR_NODE'])
    lab.clear()
    expect(await texts(adapter, 'a', 'b', 'c')).toEqual([undefined, 'two', 'three'])
  })

  it('down, restart: the server is met again, with a new runId after a restart', async () => {
    await open()
    await put(adapter, { k: 'x' })
    const [first] = [(await adapter.connect()).runId]
    met.length = 0
    const takeBack = lab.inject({ fault: 'down' })
    expect(await texts(adapter, 'k')).toEqual(['ERR_NODE_DOWN'])
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    expect(met).toEqual([])
    takeBack()
    await until(async () => (await texts(adapter, 'k'))[0] === 'x', 'reads')
    expect(new Set(met.map(({ runId }) => runId))).toEqual(new Set([first]))
    met.length = 0
    lab.restart()
    let answers = 0
    await until(async () => {
      const [value] = await texts(adapter, 'k')
      if (value === 'x') expect(met.length).toBeGreaterThan(0)
      return value === 'x' && ++answers === 10
    }, 'ten reads')
    expect(met.map(({ runId }) => runId)).not.toContain(first)
    expect((await adapter.connect()).runId).toBe(met[0]?.runId)
  })

  it('hang: a cache is answered by the loader within the deadline, and by the server afterwards', async () => {
    await open()
    const cache = await makeCache({ nodes: [lab.node], nodeTimeout: '100ms' })
    await cache.set('k', 'cached')
    const heal = lab.inject({ fault: 'hang' })
    expect(await cache.getOrLoad('k', () => 'loaded')).toBe('loaded')
    expect(lab.counts.hang).toBeGreaterThan(0)
    heal()
    await until(async () => (await cache.set('k', 'again')).ok, 'writes')
    await until(async () => (await cache.get('k')) === 'again', 'reads')
  })
})
