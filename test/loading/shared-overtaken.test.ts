import { describe, expect, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { makeCache, turn } from '../support/caches.ts'
import { gate } from '../support/fake-node.ts'

/** Two caches on one node: neither fences what runs in the other. */
describe('a load that another cache’s delete overtook', () => {
  it('is not given to who joins it after the delete, but to who asked before', async () => {
    const nodes = [memoryNode('a')]
    const [here, there] = await Promise.all([makeCache({ nodes }), makeCache({ nodes })])
    const database = gate<string>()
    const before = here.getOrLoad('key', () => database.promise)
    await turn()
    await there.delete('key')
    const after = here.getOrLoad('key', () => 'new')
    const many = here.getOrLoadMany(['key'], () => [['key', 'new']])
    await turn()
    database.open('old')
    expect(await before).toBe('old')
    expect(await after).toBe('new')
    expect([...(await many)]).toEqual([['key', 'new']])
    expect(await there.get('key')).toBe('new')
  })

  it('nor when a refresh takes its place before it is done', async () => {
    const nodes = [memoryNode('a')]
    const [here, there] = await Promise.all([makeCache({ nodes }), makeCache({ nodes })])
    const database = gate<string>()
    const before = here.getOrLoad('key', () => database.promise)
    await turn()
    await there.delete('key')
    const after = here.getOrLoad('key', () => 'new')
    expect(await here.getOrLoad('key', () => 'newer', { cache: 'refresh' })).toBe('newer')
    database.open('old')
    expect(await before).toBe('old')
    expect(await after).toBe('newer')
  })

  it('is asked for anew once: a load that began after its caller came is new enough, though it was overtaken as well', async () => {
    const clock = new ManualClock()
    const nodes = [memoryNode('a')]
    const [here, there] = await Promise.all([makeCache({ nodes, clock }), makeCache({ nodes, clock })])
    const [first, second] = [gate<string>(), gate<string>()]
    const before = here.getOrLoad('key', () => first.promise)
    await clock.advanceAsync(1)
    const after = here.getOrLoad('key', () => 'asked again')
    await clock.advanceAsync(1)
    const refresh = here.getOrLoad('key', () => second.promise, { cache: 'refresh' })
    await turn()
    first.open('old')
    await turn()
    await there.delete('key')
    second.open('new')
    expect([await before, await refresh, await after]).toEqual(['old', 'new', 'new'])
  })

  it('without a delete is shared', async () => {
    const cache = await makeCache({ nodes: [memoryNode('a')] })
    const database = gate<string>()
    let calls = 0
    const load = (): Promise<string> => {
      calls++
      return database.promise
    }
    const loads = [cache.getOrLoad('key', load)]
    await turn()
    loads.push(cache.getOrLoad('key', load), cache.getOrLoad('key', load))
    database.open('value')
    expect(await Promise.all(loads)).toEqual(['value', 'value', 'value'])
    expect(calls).toBe(1)
  })
})
