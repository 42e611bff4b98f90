import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memcachedNode, type MemcachedNodeOptions } from '../../src/memcached/index.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { bareContext } from '../support/context.ts'
import { memcachedText, secondsLeft } from '../memcached/raw.ts'
import { startMemcached, until, type TestServer } from '../support/servers.ts'

const TTL = 60_000
const DAY = 86_400_000
const extra: TestServer[] = []
const adapters: NodeAdapter[] = []
let server: TestServer

beforeAll(async () => {
  server = await startMemcached()
})
afterEach(async () => {
  for (const adapter of adapters.splice(0)) await adapter.close()
  for (const one of extra.splice(0)) await one.stop()
})
afterAll(() => server?.stop())

async function open(on: TestServer = server, options?: MemcachedNodeOptions): Promise<NodeAdapter> {
  const adapter = memcachedNode(on.url, options).primary.open(bareContext)
  adapters.push(adapter)
  await adapter.connect()
  return adapter
}

async function start(...args: string[]): Promise<TestServer> {
  const one = await startMemcached({ args })
  extra.push(one)
  return one
}

describe('values', () => {
  it.each([1, 2, 200])('%i keys of random bytes of all sizes come back as they were', async (count) => {
    const adapter = await open()
    const items = Array.from({ length: count }, (_, index) => ({
      key: `random-${count}-${index}`,
      value: randomBytes((index * index * 7) % 60_000),
      ttl: TTL,
    }))
    expect(await adapter.write(items)).toEqual(items.map(() => 'stored'))
    const keys = items.map(({ key }) => key)
    const asked = [...keys, 'missing', ...keys.toReversed()]
    const got = await adapter.read(asked)
    expect(got).toHaveLength(asked.length)
    for (const [index, key] of asked.entries()) {
      const item = items.find((one) => one.key === key)
      if (item) expect(item.value.equals(got[index] as Buffer)).toBe(true)
      else expect(got[index]).toBeUndefined()
    }
    expect(await adapter.remove([...keys, ...keys])).toEqual([
      ...keys.map(() => 'deleted'),
      ...keys.map(() => 'absent'),
    ])
  })

  it('a small value does not hold on to what came with it', async () => {
    const adapter = await open()
    await adapter.write([
      { key: 'small', value: Buffer.from('1'), ttl: TTL },
      { key: 'large', value: randomBytes(100_000), ttl: TTL },
    ])
    const [small] = await adapter.read(['small', 'large'])
    expect((small as Uint8Array).buffer.byteLength).toBeLessThan(100)
  })

  it('sends the keys of one call in one write, and no command per key beyond that', async () => {
    const adapter = await open()
    const before = await commands()
    await adapter.read(Array.from({ length: 100 }, (_, index) => `none-${index}`))
    expect((await commands()) - before).toBe(100)
  })

  it('an illegal key costs its own outcome only, and never reaches the server', async () => {
    const adapter = await open()
    const outcomes = await adapter.write(
      ['', 'ok', 'x'.repeat(251), 'a b', 'a\r\nflush_all', 'a\0'].map((key) => ({
        key,
        value: Buffer.from('1'),
        ttl: TTL,
      })),
    )
    const bad = { code: 'ERR_NODE' }
    expect(outcomes).toMatchObject([bad, 'stored', bad, bad, bad, bad])
    expect(await adapter.remove(['', 'ok'])).toMatchObject([bad, 'deleted'])
  })

  async function commands(): Promise<number> {
    return Number(/cmd_get (\d+)/.exec(await memcachedText(server.port, 'stats'))?.[1])
  }
})

describe('time to live', () => {
  it.each([
    [1, 1, 2],
    [500, 1, 2],
    [1_000, 1, 2],
    [1_001, 2, 3],
    [60_000, 60, 61],
    [30 * DAY - 1_000, 30 * 86_400 - 1, 30 * 86_400],
    [30 * DAY, 30 * 86_400, 30 * 86_400 + 2],
    [40 * DAY, 40 * 86_400, 40 * 86_400 + 2],
  ])('%i ms is from %i to %i seconds on the server', async (ttl, least, most) => {
    const adapter = await open()
    await adapter.write([{ key: `ttl-${ttl}`, value: Buffer.from('1'), ttl }])
    const left = (await secondsLeft(server.port, `ttl-${ttl}`)) as number
    expect(left).toBeGreaterThanOrEqual(least)
    expect(left).toBeLessThanOrEqual(most)
    expect(await adapter.read([`ttl-${ttl}`])).toEqual([Buffer.from('1')])
  })

  it('a hundred years end in 2038', async () => {
    const adapter = await open()
    await adapter.write([{ key: 'century', value: Buffer.from('1'), ttl: 36_525 * DAY }])
    const left = (await secondsLeft(server.port, 'century')) as number
    const time = Number(/STAT time (\d+)/.exec(await memcachedText(server.port, 'stats'))?.[1])
    expect(Math.abs(time + left - 0x7fffffff)).toBeLessThanOrEqual(2)
  })

  it('1 second is at least one second, and ends', async () => {
    const adapter = await open()
    const begin = performance.now()
    await adapter.write([{ key: 'second', value: Buffer.from('1'), ttl: 1_000 }])
    await until(async () => (await adapter.read(['second']))[0] === undefined)
    expect(performance.now() - begin).toBeGreaterThanOrEqual(1_000)
  })
})

describe('limits', () => {
  it.each([['1m'], ['4m'], ['512k']])('are those of the server (-I %s)', async (size) => {
    const one = await start('-I', size)
    const adapter = await open(one)
    const bytes = size === '512k' ? 524_288 : Number.parseInt(size) * 2 ** 20
    expect(adapter.limits.maxValueBytes).toBe(bytes - 1_024)
    const key = 'k'.repeat(250)
    const value = randomBytes(adapter.limits.maxValueBytes)
    expect(await adapter.write([{ key, value, ttl: TTL }])).toEqual(['stored'])
    expect(value.equals((await adapter.read([key]))[0] as Buffer)).toBe(true)
  })

  it('may be set lower, not higher', async () => {
    expect((await open(server, { maxValueBytes: 10 })).limits.maxValueBytes).toBe(10)
    expect((await open(server, { maxValueBytes: 2 ** 24 })).limits.maxValueBytes).toBe(2 ** 20 - 1_024)
  })

  it('what is too large is refused without being sent, and the old value does not stay', async () => {
    const adapter = await open(server, { maxValueBytes: 10 })
    const [old, large] = ['old value!', 'value that is too large']
    await adapter.write([{ key: 'grows', value: Buffer.from(old), ttl: TTL }])
    const outcomes = await adapter.write([
      { key: 'before', value: Buffer.from('1'), ttl: TTL },
      { key: 'grows', value: Buffer.from(large), ttl: TTL },
      { key: 'after', value: Buffer.from('2'), ttl: TTL },
    ])
    expect(outcomes).toMatchObject(['stored', { code: 'ERR_NODE' }, 'stored'])
    expect((outcomes[1] as Error).message).toContain('at most 10 bytes, not 23')
    expect((outcomes[1] as Error).message).not.toContain(large)
    expect(await adapter.read(['before', 'grows', 'after'])).toEqual([Buffer.from('1'), undefined, Buffer.from('2')])
  })

  it('what the server itself finds too large is that key’s error, and the old value does not stay', async () => {
    const one = await start('-I', '512k')
    await (await open(one)).write([{ key: 'grows', value: Buffer.from('1'), ttl: TTL }])
    // Not connected yet, it does not know the server's limit when it is asked to write.
    const adapter = memcachedNode(one.url).primary.open(bareContext)
    adapters.push(adapter)
    const outcomes = await adapter.write([
      { key: 'grows', value: Buffer.alloc(600_000), ttl: TTL },
      { key: 'after', value: Buffer.from('2'), ttl: TTL },
    ])
    expect(outcomes).toMatchObject([{ code: 'ERR_NODE' }, 'stored'])
    expect((outcomes[0] as Error).message).toContain('too large')
    expect(await adapter.read(['grows', 'after'])).toEqual([undefined, Buffer.from('2')])
  })

  it('out of memory is an error per key, and the old value does not stay', async () => {
    const one = await start('-M', '-m', '2', '-I', '512k')
    const adapter = await open(one)
    await adapter.write([{ key: 'first', value: Buffer.alloc(1_000), ttl: TTL }])
    const value = Buffer.alloc(100_000)
    const items = Array.from({ length: 100 }, (_, index) => ({ key: `fill-${index}`, value, ttl: TTL }))
    const outcomes = await adapter.write([...items, { key: 'first', value, ttl: TTL }])
    expect(outcomes.at(-1)).toMatchObject({ code: 'ERR_NODE' })
    expect((outcomes.at(-1) as Error).message).toContain('out of memory')
    expect(await adapter.read(['first'])).toEqual([undefined])
  })
})

describe('identity', () => {
  it('stays the same while the server runs, whatever second it is', async () => {
    const adapter = await open()
    const { runId, version } = await adapter.connect()
    expect(version).toMatch(/^1\.\d/)
    const seen = new Set<string>()
    await until(async () => {
      seen.add(/STAT uptime (\d+)/.exec(await memcachedText(server.port, 'stats'))?.[1] as string)
      expect((await adapter.connect()).runId).toBe(runId)
      return seen.size > 2
    })
  })

  it('info counts keys', async () => {
    const one = await start()
    const adapter = await open(one)
    const before = await adapter.powers.info?.()
    expect(before).toMatchObject({ keys: 0, role: 'primary' })
    await adapter.write([{ key: 'a', value: Buffer.alloc(1_000), ttl: TTL }])
    const after = await adapter.powers.info?.()
    expect(after?.keys).toBe(1)
    expect(after?.bytes).toBeGreaterThan(1_000)
  })
})
