import { describe, expect, it } from 'vitest'
import { sliceOf } from '../../src/base/slice.ts'
import { NodeError } from '../../src/base/errors.ts'
import { bareShard } from '../support/shards.ts'
import { bench, turn } from '../support/caches.ts'
import { FakeServer, hangs, isDown, works, type Behaviour } from '../support/fake-node.ts'
import { item } from '../support/guards.ts'
import { ManualClock } from '../../src/testing/index.ts'

const full: Behaviour = (_, keys) =>
  Promise.resolve(keys.map(() => new NodeError('ERR_NODE', 'OOM command not allowed when used memory > maxmemory')))

describe('a set that failed leaves no older value readable', () => {
  it.each<[string, Behaviour]>([
    ['because the server is full', full],
    ['because it did not answer in time', hangs],
    ['because it is down', isDown],
  ])('%s', async (_, writes) => {
    const { cache, server, clock } = await bench()
    await cache.set('key', 'old')
    await cache.set('other', 'kept')
    server.writes = writes
    const setting = cache.set('key', 'new')
    await clock.advanceAsync(250)
    expect(await setting).toEqual({ ok: false, status: 'failed' })
    expect(await cache.get('key')).toBeUndefined()
    // A circuit that opened closes again, and the older value is removed for good.
    await clock.advanceAsync(2_000)
    expect([server.store.has('key'), await cache.get('key')]).toEqual([false, undefined])
    expect(await cache.get('other')).toBe('kept')
    expect(cache.stats().nodes[0]!.journal).toMatchObject({ keys: 0, added: 1, replayed: 1 })
  })

  it('nor in L1', async () => {
    const { cache, server } = await bench({ l1: {} })
    await cache.set('key', 'old')
    server.writes = full
    await cache.set('key', 'new')
    expect([cache.peek('key'), await cache.get('key')]).toEqual([undefined, undefined])
  })

  it('for each key of a set of many by itself', async () => {
    const { cache, server } = await bench()
    await cache.setMany([['a', 1], ['b', 1]]) // prettier-ignore
    server.writes = (answer, keys) =>
      Promise.resolve(answer().map((one, i) => (keys[i] === 'b' ? new NodeError('ERR_NODE', 'OOM') : one)))
    server.removes = hangs
    await cache.setMany([['a', 2], ['b', 2]]) // prettier-ignore
    expect([...(await cache.getMany(['a', 'b']))]).toEqual([['a', 2]])
  })

  it('also when the failed one reaches the server after all', async () => {
    const { cache, server, clock } = await bench()
    await cache.set('key', 'old')
    // Done, and the answer is lost.
    server.writes = (answer) => {
      answer()
      return hangs(answer, [])
    }
    const setting = cache.set('key', 'new')
    await clock.advanceAsync(250)
    await setting
    server.writes = works
    await clock.advanceAsync(1_000)
    expect([await cache.get('key'), server.store.has('key')]).toEqual([undefined, false])
  })

  it('a value that is loaded anew and cannot be written counts as one; one where there was nothing does not', async () => {
    const { cache, server } = await bench()
    await cache.set('key', 'old')
    server.writes = full
    expect(await cache.getOrLoad('key', () => 'new', { cache: 'refresh' })).toBe('new')
    await turn()
    expect([server.store.has('key'), await cache.get('key')]).toEqual([false, undefined])
    const removes = server.count('remove')
    expect(await cache.getOrLoad('none', () => 'new')).toBe('new')
    await turn()
    expect(server.count('remove')).toBe(removes)
  })

  it('control: a write that replaces nothing leaves what was there', async () => {
    const server = new FakeServer()
    const { shard } = bareShard(new ManualClock(), [server])
    server.store.set('key', { value: Buffer.from('old'), until: Infinity })
    server.writes = full
    await shard.write([item('key')], 250, false)
    const read = async () => (await shard.read(['key'], 'prefer-primary', 250)).outcomes[0]
    expect(await read()).toEqual(sliceOf(Buffer.from('old')))
    await shard.write([item('key')], 250, true)
    expect(await read()).toBeUndefined()
  })
})

describe('a journal that overflows', () => {
  it('makes what was written before a miss, and what is written later than clocks may be wrong a hit', async () => {
    const { cache, server, clock } = await bench({ journal: { maxKeys: 1 } })
    await cache.setMany([['a', 1], ['b', 1], ['c', 1]]) // prettier-ignore
    clock.advance(10_000)
    server.removes = (_, keys) => Promise.resolve(keys.map(() => new NodeError('ERR_NODE', 'no')))
    const removed = await cache.deleteMany(['a', 'b'])
    expect([...removed.values()].map(({ status }) => status)).toEqual(['journaled', 'failed'])
    expect((await cache.getMany(['a', 'b', 'c'])).size).toBe(0)
    clock.advance(1_000)
    await cache.set('c', 2)
    expect(await cache.get('c')).toBe(2)
    expect(cache.stats().nodes[0]!.journal).toMatchObject({ added: 1, overflowed: 1 })
    expect(cache.stats().dropped.fenced).toBe(2)
  })
})
