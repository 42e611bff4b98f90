import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../support/servers.ts'
import { FakeCache } from './fake-cache.ts'
import { allowAfterFailedSets, allowLag, Oracle, type Moment } from './oracle.ts'
import { runTraffic } from './traffic.ts'
import type { Value } from './truth.ts'
import { Watch, type WatchOptions } from './watch.ts'

const NODE_TIMEOUT = 40
const watches: Watch[] = []
afterEach(() => watches.splice(0).forEach((watch) => watch.stop()))

function setUp(options: Partial<WatchOptions> = {}): { cache: FakeCache; watch: Watch; oracle: Oracle } {
  const cache = new FakeCache()
  const watch = new Watch(cache, { nodeTimeout: NODE_TIMEOUT, ...options })
  watches.push(watch)
  return { cache, watch, oracle: watch.oracle }
}
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('traffic on a cache that does what it should', () => {
  it('has nothing to complain about, and is the same for the same seed', async () => {
    const runs = []
    for (let run = 0; run < 2; run++) {
      const { watch, oracle, cache } = setUp({ pad: 10 })
      watch.truth.behave({ ms: 1 })
      await runTraffic(watch, { calls: 500, callers: 1, seed: 7 })
      expect([watch.calls, watch.late, watch.rejected, watch.truth.counts.duplicates]).toEqual([500, 0, {}, 0])
      expect([oracle.wrong, oracle.stale, oracle.violations]).toEqual([0, 0, []])
      expect(oracle.hits).toBeGreaterThan(100)
      runs.push([oracle.reads, oracle.hits, watch.truth.counts.calls, [...cache.store]])
    }
    expect(runs[0]).toEqual(runs[1])
  })

  it('runs for a time, or beside something, and tells what that threw', async () => {
    const { watch } = setUp()
    await runTraffic(watch, { ms: 20 })
    const before = watch.calls
    expect(before).toBeGreaterThan(0)
    await runTraffic(watch, { during: () => wait(10), mix: { get: 1 }, keys: ['a'] })
    expect(watch.calls).toBeGreaterThan(before)
    const during = (): Promise<void> => Promise.reject(new Error('oops'))
    await expect(runTraffic(watch, { during })).rejects.toThrow('oops')
    await expect(runTraffic(watch, {})).rejects.toThrow('would never end')
  })
})

describe('a cache that lies is found out', () => {
  it.each([
    ['set', 'delete'],
    ['set', 'set'],
  ] as const)('a value older than a change that was acknowledged (%s, %s)', async (first, second) => {
    const { cache, watch, oracle } = setUp()
    await watch[first]('a')
    cache.writes = { done: false, status: 'stored' }
    cache.deletes = { done: false, status: 'deleted' }
    await watch[second]('a')
    for (const read of [() => watch.get('a'), () => watch.getOrLoad('a'), () => watch.getMany(['b', 'a'])]) await read()
    expect([oracle.stale, oracle.reads, oracle.hits]).toEqual([3, 4, 3])
    expect(oracle.violations[0]).toMatch(/^stale: a read of a gave 1, though (set|delete) 2 \((stored|deleted)\) had/)
  })

  it('in traffic, too', async () => {
    const { cache, watch, oracle } = setUp()
    cache.deletes = { done: false, status: 'absent' }
    await runTraffic(watch, { calls: 300 })
    expect(oracle.stale).toBeGreaterThan(0)
    expect(oracle.violations.length).toBeLessThanOrEqual(20)
  })

  it('a load that a delete overtook, and that was stored all the same', async () => {
    const { cache, watch, oracle } = setUp()
    watch.truth.behave({ ms: 10 })
    const loading = watch.getOrLoad('a')
    await until(() => watch.truth.counts.calls === 1)
    await watch.delete('a')
    const old = await loading
    expect(oracle.stale).toBe(0)
    cache.store.set('a', old as Value)
    await watch.get('a')
    expect(oracle.stale).toBe(1)
  })

  it('a value for another key, something else, and a value that is still to come', async () => {
    const { cache, watch, oracle } = setUp()
    await watch.set('a')
    await watch.set('b')
    for (const lie of [{ key: 'b', seq: 2 }, 'text', null, { key: 'a' }, { key: 'a', seq: 2 }]) {
      cache.gives = () => lie
      await watch.get('a')
    }
    expect([oracle.wrong, oracle.stale]).toEqual([5, 0])
    expect(oracle.violations[0]).toBe('wrong: a read of a gave b (2)')
  })

  it('a call that settles late, whatever it gives, and one that never does', async () => {
    const { cache, watch } = setUp()
    cache.before = () => wait(NODE_TIMEOUT + 200)
    await Promise.all([watch.get('a'), watch.set('a'), watch.delete('b'), watch.getMany(['a']), watch.getOrLoad('a')])
    expect([watch.late, watch.pending]).toEqual([5, 0])
    expect(watch.latest).toBeGreaterThan(100)
    cache.before = () => new Promise(() => {})
    void watch.get('a')
    expect(watch.pending).toBe(1)
  })

  it('but not a call that waited for its loader, or for this process', async () => {
    const { cache, watch } = setUp()
    watch.truth.behave({ ms: 150 })
    await watch.getOrLoad('a')
    cache.before = () => wait(1)
    const reading = watch.get('a')
    const end = performance.now() + 250
    while (performance.now() < end);
    await reading
    expect(watch.late).toBe(0)
    cache.before = () => wait(250)
    await watch.get('a')
    expect(watch.late).toBe(1)
  })

  it('two loads where one would have done, but not when a change came between', async () => {
    const { cache, watch } = setUp()
    watch.truth.behave({ ms: 5 })
    await Promise.all([watch.getOrLoad('a'), watch.getOrLoad('a'), watch.delete('a').then(() => watch.getOrLoad('a'))])
    expect(watch.truth.counts).toMatchObject({ duplicates: 0, calls: 2, mostForOneKey: 2 })
    cache.single = false
    await Promise.all([watch.getOrLoad('b'), watch.getOrLoad('b')])
    expect(watch.truth.counts).toMatchObject({ duplicates: 1, calls: 4 })
  })

  it('a call that rejects, but not for its loader', async () => {
    const { cache, watch } = setUp()
    cache.before = () => Promise.reject(new Error('oops'))
    await watch.get('a')
    await watch.set('a')
    expect(watch.rejected).toEqual({ 'Error: oops': 2 })
  })
})

describe('what is no acknowledgement, and what is allowed', () => {
  it('a delete that says "failed" leaves either value right', async () => {
    const { cache, watch, oracle } = setUp()
    await watch.set('a')
    cache.deletes = { done: false, status: 'failed' }
    await watch.delete('a')
    await watch.get('a')
    expect(oracle.stale).toBe(0)
  })

  it('a set that says "failed" leaves only the newer value right, unless allowed', async () => {
    for (const allow of [[], [allowAfterFailedSets()]]) {
      const { cache, watch, oracle } = setUp({ allow })
      await watch.set('a')
      const old = cache.store.get('a')!
      cache.writes = { done: true, status: 'failed' }
      await watch.set('a')
      await watch.get('a')
      expect(oracle.stale).toBe(0)
      cache.store.set('a', old)
      await watch.get('a')
      expect([oracle.stale, oracle.allowed]).toEqual(allow.length === 0 ? [1, {}] : [0, { 'failed sets': 1 }])
    }
  })

  it('a read that began before a change had settled may give what was there', async () => {
    const { cache, watch, oracle } = setUp()
    await watch.set('a')
    const old = cache.store.get('a')
    const reading = oracle.now()
    await watch.delete('a')
    oracle.read('a', old, reading)
    expect(oracle.stale).toBe(0)
    oracle.read('a', old, oracle.now())
    expect(oracle.stale).toBe(1)
  })

  it('of two sets at the same time, either may be the last; a third one after them is newer than both', () => {
    const oracle = new Oracle()
    const value = (seq: number): Value => ({ key: 'a', seq })
    const [first, second] = [oracle.changing('set', 'a', 1), oracle.changing('set', 'a', 2)]
    second('stored')
    first('stored')
    oracle.read('a', value(1), oracle.now())
    oracle.read('a', value(2), oracle.now())
    expect(oracle.stale).toBe(0)
    oracle.changing('set', 'a', 3)('stored')
    oracle.read('a', value(1), oracle.now())
    oracle.read('a', value(2), oracle.now())
    expect(oracle.stale).toBe(2)
  })

  it('replicas may lag, as far as was said', () => {
    const oracle = new Oracle([allowLag(100)])
    oracle.changing('delete', 'a', 1)('deleted')
    const begun = oracle.now()
    oracle.read('a', { key: 'a', seq: 0 }, begun)
    const later: Moment = { order: begun.order + 1, at: begun.at + 200 }
    oracle.read('a', { key: 'a', seq: 0 }, later)
    expect([oracle.stale, oracle.allowed]).toEqual([1, { 'lag of 100 ms': 1 }])
  })
})
