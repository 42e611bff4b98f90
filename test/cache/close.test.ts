import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { ShardedCache } from '../../src/cache.ts'
import { NodeError } from '../../src/base/errors.ts'
import type { NodeIdentity } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { bench, makeCache, rejection, settled, turn } from '../support/caches.ts'
import { FakeServer, gate, hangs, takes } from '../support/fake-node.ts'

const CLOSED = { code: 'ERR_CLOSED', name: 'CacheError' }
const hang = (): Promise<never> => new Promise(() => {})

describe('close', () => {
  it('is one, however often and from wherever it is called', async () => {
    const { cache, server } = await bench()
    const first = cache.close()
    expect(cache.close()).toBe(first)
    expect(cache[Symbol.asyncDispose]()).toBe(first)
    await first
    await cache.close()
    expect(server.closed).toBe(1)
  })

  it('rejects loads that run, whatever kind they are, and tells their loaders', async () => {
    const { cache, clock } = await bench()
    const reasons: unknown[] = []
    const load = ({ signal }: { signal: AbortSignal }): Promise<never> => {
      signal.addEventListener('abort', () => reasons.push(signal.reason))
      return hang()
    }
    const overtaken = rejection(cache.getOrLoad('overtaken', load))
    await turn()
    await cache.delete('overtaken')
    const loads = [
      overtaken,
      rejection(cache.getOrLoad('one', load)),
      rejection(cache.getOrLoad('one', load)),
      rejection(cache.getOrLoadMany(['two', 'three'], (_, context) => load(context))),
      rejection(cache.getOrLoad('bypass', load, { cache: 'bypass' })),
      rejection(cache.getOrLoad('refresh', load, { cache: 'refresh' })),
      rejection(cache.getOrLoad('patient', load, { timeout: '1h', signal: new AbortController().signal })),
    ]
    await turn()
    await cache.close()
    const errors = await Promise.all(loads)
    for (const error of errors) expect(error).toMatchObject(CLOSED)
    expect(reasons).toHaveLength(6)
    for (const reason of reasons) expect(reason).toMatchObject(CLOSED)
    expect(clock.referenced).toBe(0)
  })

  it('lets no loader begin afterwards, although its call was made before', async () => {
    const { cache, clock, server } = await bench({ nodeTimeout: 250 })
    server.reads = takes(clock, 100)
    let calls = 0
    const load = (): Promise<never> => {
      calls++
      return hang()
    }
    const overtaken = rejection(cache.getOrLoad('overtaken', load))
    void cache.delete('overtaken')
    const loading = rejection(cache.getOrLoad('key', load))
    const closing = cache.close()
    await clock.advanceAsync(100)
    await closing
    expect(await loading).toMatchObject(CLOSED)
    expect(await overtaken).toMatchObject(CLOSED)
    expect([calls, clock.referenced]).toEqual([0, 0])
  })

  it('lets calls under way on nodes finish', async () => {
    const { cache, clock, server } = await bench({ nodeTimeout: 250 })
    await cache.set('key', 1)
    server.all = takes(clock, 100)
    const work = [cache.get('key'), cache.set('other', 2), cache.delete('key')]
    const closing = cache.close()
    await clock.advanceAsync(99)
    expect([server.closed, await settled(closing)]).toEqual([0, false])
    await clock.advanceAsync(1)
    await closing
    expect(await Promise.all(work)).toEqual([1, { ok: true, status: 'stored' }, { ok: true, status: 'deleted' }])
  })

  it('waits no longer than twice the node time-out for a node that hangs', async () => {
    const { cache, clock, server } = await bench({ nodeTimeout: 250 })
    server.all = hangs
    server.closes = hang
    const get = cache.get('key')
    const closing = cache.close()
    await clock.advanceAsync(500)
    await closing
    expect(await get).toBeUndefined()
  })

  it('during a change whose node hangs gives that up, and takes less than a second', async () => {
    const server = new FakeServer()
    const cache = await makeCache({ nodes: [server.node()] })
    const hung = new FakeServer('hung')
    const connecting = gate<NodeIdentity>()
    hung.connects = () => connecting.promise
    hung.closes = () => {
      connecting.fail(new NodeError('ERR_NODE_DOWN', 'closed'))
      return Promise.resolve()
    }
    const changes = [cache.addNode(hung.node()), rejection(cache.addNode(new FakeServer('later').node()))]
    await turn()
    const start = performance.now()
    await cache.close()
    expect(performance.now() - start).toBeLessThan(1_000)
    expect(await changes[1]).toMatchObject(CLOSED)
    expect([server.closed, hung.closed]).toEqual([1, 2])
  })

  it('during a change of the topology lets the change finish, and closes its nodes too', async () => {
    const { cache, server } = await bench()
    const other = new FakeServer('other')
    const connecting = gate()
    other.connects = () => connecting.promise.then(() => ({ runId: 'x', role: 'unknown', version: '' }))
    const adding = cache.addNode(other.node())
    await turn()
    const closing = cache.close()
    connecting.open()
    await adding
    await closing
    expect([server.closed, other.closed]).toEqual([1, 1])
  })

  it('afterwards every call is ERR_CLOSED', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', 1)
    const users = cache.space('user')
    const wrapped = cache.wrap(() => 1, { key: () => 'key' })
    await cache.close()
    const before = server.asked.length
    const calls = [
      cache.get('key'),
      cache.getMany(['key']),
      cache.getMany([]),
      cache.getEntry('key'),
      cache.has('key'),
      cache.set('key', 1),
      cache.setMany([['key', 1]]),
      cache.delete('key'),
      cache.deleteMany(['key']),
      cache.expire('key'),
      cache.getOrLoad('key', () => 1),
      cache.getOrLoad('key', () => 1, { cache: 'bypass' }),
      cache.getOrLoadMany(['key'], () => []),
      wrapped(),
      wrapped.refresh(),
      wrapped.invalidate(),
      users.get('1'),
      users.set('1', 1),
      cache.setNodes([server.node()]),
      cache.addNode(new FakeServer('b').node()),
      cache.removeNode('fake'),
      cache.reweight('fake', 2),
      cache.health(),
    ]
    for (const call of calls) expect(await rejection(call)).toMatchObject(CLOSED)
    expect(server.asked.length).toBe(before)
    expect(cache.peek('key')).toBeUndefined()
    expect(cache.stats().topology.nodes).toBe(1)
  })

  it('is what `await using` calls', async () => {
    const server = new FakeServer()
    let kept: ShardedCache
    {
      await using cache = await ShardedCache.create({ nodes: [server.node()] })
      await cache.set('key', 1)
      kept = cache
    }
    expect(server.closed).toBe(1)
    expect(await rejection(kept.get('key'))).toMatchObject(CLOSED)
  })

  it('of one cache leaves another on the same nodes alone', async () => {
    const node = memoryNode('a')
    const [one, other] = [await makeCache({ nodes: [node] }), await makeCache({ nodes: [node] })]
    await one.set('key', 1)
    await one.close()
    expect(await other.get('key')).toBe(1)
  })
})

describe('the process', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const program = (body: string): string => `
    import { ShardedCache } from './src/cache.ts'
    import { memoryNode } from './src/node/memory.ts'
    const cache = await ShardedCache.create({ nodes: [memoryNode('a')], l1: {} })
    const hang = () => new Promise(() => {})
    ${body}
    process.on('exit', () => console.log('exit', Math.round(performance.now() - closed)))`

  async function run(body: string): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program(body)], {
      cwd: root,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += String(data)))
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
    return { code, output }
  }

  const elapsed = (output: string): number => Number(/exit (\d+)/.exec(output)?.[1])

  it('exits within a second of close, although a load has half a minute left', async () => {
    const { code, output } = await run(`
      const load = cache.getOrLoad('key', hang, { hardTimeout: '30s', timeout: '20s' }).catch((error) => console.log(error.code))
      const second = cache.getOrLoad('overtaken', hang).catch((error) => console.log(error.code))
      await cache.delete('overtaken')
      const third = cache.getOrLoad('key', hang, { cache: 'bypass' }).catch((error) => console.log(error.code))
      const closed = performance.now()
      await cache.close()
      await Promise.all([load, second, third])`)
    expect(output.match(/ERR_CLOSED/g)).toHaveLength(3)
    expect(code).toBe(0)
    expect(elapsed(output)).toBeLessThan(1_000)
  })

  it('exits by itself when a cache is idle, closed or not', async () => {
    const { code, output } = await run(`await cache.set('key', 1); const closed = performance.now()`)
    expect([code, elapsed(output) < 1_000]).toEqual([0, true])
  })

  it('stays for a caller who waits', async () => {
    const { code, output } = await run(`
      const closed = performance.now()
      cache.getOrLoad('key', hang, { hardTimeout: 300 }).catch((error) => console.log(error.code))`)
    expect(code).toBe(0)
    expect(output).toContain('ERR_LOAD_TIMEOUT')
  })
})
