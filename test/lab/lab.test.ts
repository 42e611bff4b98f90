import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { LoadError } from '../../src/base/errors.ts'
import { redisText, until } from '../support/servers.ts'
import { CLEAN, openLab, type Lab, type LabOptions } from './lab.ts'
import { leftOver, resources, StallMeter, UnhandledMeter } from './meters.ts'
import { allowAfterFailedSets } from './oracle.ts'

const labs: Lab[] = []
afterEach(async () => {
  await Promise.all(labs.splice(0).map((lab) => lab.close()))
})

async function open(options: LabOptions): Promise<Lab> {
  const lab = await openLab(options)
  labs.push(lab)
  return lab
}

describe('a lab', () => {
  it('without faults has nothing to complain about, and leaves nothing behind', async () => {
    const lab = await open({ servers: ['redis', 'redis', 'memcached'], proxy: true, cache: { l1: { ttl: '1s' } } })
    await lab.traffic({ calls: 1_000 })
    expect(lab.verdict()).toMatchObject({ ...CLEAN, calls: 1_000 })
    expect(lab.verdict().hits).toBeGreaterThan(200)
    for (const { counts } of lab.proxies) expect(counts.up.bytes).toBeGreaterThan(100)
    expect(lab.keysOf(2).every((key) => lab.cache.explain(key).owner === 'n2')).toBe(true)
    expect((await lab.close()).resources).toEqual([])
  })

  it('finds what went wrong on a real server', async () => {
    const lab = await open({ servers: ['redis'] })
    const { port } = lab.servers[0]!
    await lab.watch.set('a')
    await redisText(port, 'COPY a old')
    expect(await lab.watch.delete('a')).toBe('deleted')
    await redisText(port, 'COPY old a')
    await lab.watch.get('a')
    expect(lab.verdict()).toMatchObject({ stale: 1, wrong: 0 })
    expect(lab.verdict()).not.toMatchObject(CLEAN)
  })

  it('makes and mends trouble while traffic runs', async () => {
    const allow = [allowAfterFailedSets()]
    const lab = await open({ servers: ['redis', 'memcached'], proxy: true, cache: { nodeTimeout: 50 }, allow })
    const { proxies, watch } = lab
    await lab.traffic({
      during: async () => {
        for (const proxy of proxies) {
          await until(() => proxy.counts.down.chunks > 20)
          proxy.pause()
          const { calls } = watch
          await until(() => watch.calls > calls + 20)
          await proxy.clear()
          proxy.fault({ kind: 'cut' }, { at: 30 })
          await until(() => proxy.counts.struck.cut === 1)
        }
      },
    })
    await lab.serving()
    expect(lab.verdict()).toMatchObject(CLEAN)
  })

  it('cuts a server off silently: calls settle in time, and it is found again', async () => {
    const lab = await open({
      servers: ['redis'],
      netns: true,
      cache: { nodeTimeout: 50 },
      allow: [allowAfterFailedSets()],
    })
    await lab.traffic({ calls: 50 })
    lab.namespaces[0]!.partition()
    await lab.traffic({ calls: 50 })
    lab.namespaces[0]!.heal()
    await lab.serving()
    expect(lab.verdict()).toMatchObject(CLEAN)
  })

  it('counts loads that fail for what they are', async () => {
    const lab = await open({ servers: ['memcached'] })
    lab.watch.truth.behave({ fail: true, ms: 5 })
    await Promise.all([lab.watch.getOrLoad('a'), lab.watch.getOrLoad('a')])
    expect(lab.verdict()).toMatchObject({ ...CLEAN, loadErrors: 2, loader: { calls: 1, failures: 1, duplicates: 0 } })
    await expect(lab.cache.getOrLoad('b', () => lab.watch.truth.load('b'))).rejects.toBeInstanceOf(LoadError)
  })
})

describe('the meters', () => {
  it('see stalls, and no others', async () => {
    const meter = new StallMeter()
    await new Promise((resolve) => setImmediate(resolve))
    const before = meter.total()
    const end = performance.now() + 100
    while (performance.now() < end);
    expect(meter.total() - before).toBeGreaterThan(80)
    const after = meter.total()
    expect(meter.total()).toBe(after)
    meter.stop()
  })

  it('see what nobody caught', () => {
    const others = new Set(process.listeners('unhandledRejection'))
    const meter = new UnhandledMeter()
    // To reject for real would end this test run.
    const added = process.listeners('unhandledRejection').filter((listener) => !others.has(listener))
    for (const listener of added) listener(new Error('oops'), Promise.resolve())
    expect(meter.errors).toEqual(['Error: oops'])
    meter.stop()
    expect(process.listeners('unhandledRejection')).toHaveLength(others.size)
  })

  it('see what keeps the process alive', async () => {
    const before = resources()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const timer = setTimeout(() => {}, 60_000)
    expect(leftOver(before).toSorted()).toEqual(['TCPServerWrap: 1', 'Timeout: 1'])
    clearTimeout(timer)
    await new Promise((resolve) => server.close(resolve))
    await until(() => leftOver(before).length === 0)
  })
})
