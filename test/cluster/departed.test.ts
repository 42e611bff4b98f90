import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { Departed } from '../../src/cluster/departed.ts'
import * as history from '../../src/cluster/history.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { bareShard } from '../support/shards.ts'
import { collect, makeCache } from '../support/caches.ts'
import { FakeServer } from '../support/fake-node.ts'

const KEYS = Array.from({ length: 200 }, (_, i) => `key:${i}`)

async function setUp() {
  const clock = new ManualClock()
  const nodes = ['a', 'b', 'c'].map((id) => memoryNode(id))
  const cache = await makeCache({ nodes, clock })
  return { cache, clock, nodes }
}

/** How many of these keys a cache on this node alone finds: what its store holds. */
async function held(node: ReturnType<typeof memoryNode>, clock: ManualClock, keys: readonly string[]): Promise<number> {
  const alone = await makeCache({ nodes: [node], clock })
  return (await alone.getMany(keys)).size
}

const change = (cache: ShardedCache, id: string): string[] => KEYS.filter((key) => cache.explain(key).owner === id)

describe('a node that is removed and added again', () => {
  afterEach(() => void vi.restoreAllMocks())

  async function removeDeleteAdd() {
    const { cache, clock, nodes } = await setUp()
    await cache.setMany(KEYS.map((key) => [key, 'old']))
    const ofB = change(cache, 'b')
    clock.advance(5_000)
    await cache.removeNode('b')
    await cache.deleteMany(ofB)
    clock.advance(5_000)
    const dropped = collect(cache, 'dropped')
    await cache.addNode(nodes[1]!)
    const found = await cache.getMany(KEYS)
    return { cache, clock, nodes, ofB, found, dropped }
  }

  it('never serves what was deleted meanwhile, although it still holds it; the others serve what they have', async () => {
    const { cache, clock, nodes, ofB, found, dropped } = await removeDeleteAdd()
    expect(ofB.length).toBeGreaterThan(30)
    expect(ofB.filter((key) => found.has(key))).toEqual([])
    expect(found.size).toBe(KEYS.length - ofB.length)
    expect(dropped.map(({ reason, node }) => `${reason} ${node}`)).toEqual(ofB.map(() => 'fenced b'))
    expect(await held(nodes[1]!, clock, ofB)).toBe(ofB.length)
    // What is written from now on is good, once clocks cannot be in doubt any more.
    clock.advance(1_000)
    await cache.setMany(ofB.map((key) => [key, 'new']))
    expect((await cache.getMany(ofB)).size).toBe(ofB.length)
  })

  it('control: without a memory of the rings, and of who was there, it serves all of it', async () => {
    vi.spyOn(history, 'remember').mockReturnValue(history.NO_HISTORY)
    vi.spyOn(Departed.prototype, 'fence').mockImplementation(() => {})
    const { ofB, found } = await removeDeleteAdd()
    expect(ofB.filter((key) => found.has(key)).length).toBe(ofB.length)
  })

  it('is fenced by either of the two alone', async () => {
    vi.spyOn(Departed.prototype, 'fence').mockImplementation(() => {})
    const first = await removeDeleteAdd()
    expect(first.ofB.filter((key) => first.found.has(key))).toEqual([])
    vi.restoreAllMocks()
    vi.spyOn(history, 'remember').mockReturnValue(history.NO_HISTORY)
    const second = await removeDeleteAdd()
    expect(second.ofB.filter((key) => second.found.has(key))).toEqual([])
  })
})

describe('a primary that was another server for a while', () => {
  it('comes back with nothing of before: the ring never changed', async () => {
    const clock = new ManualClock()
    const [one, two] = [new FakeServer('a'), new FakeServer('other')]
    const cache = await makeCache({ nodes: [one.node()], clock })
    await cache.set('key', 'old')
    clock.advance(5_000)
    await cache.setNodes([{ ...one.node(), primary: two.node().primary }])
    await cache.delete('key')
    clock.advance(5_000)
    await cache.setNodes([one.node()])
    expect(one.store.has('key')).toBe(true)
    expect(await cache.get('key')).toBeUndefined()
  })
})

describe('those who left', () => {
  const members = (...fingerprints: unknown[]) => {
    const { shard } = bareShard(new ManualClock(), [new FakeServer()])
    const [member] = shard.members
    return fingerprints.map((fingerprint) => ({ ...member!, spec: { ...member!.spec, fingerprint } }))
  }
  const fenced = (departed: Departed, fingerprint: unknown): boolean => {
    const [member] = members(fingerprint)
    departed.fence([member!], 1_000)
    return member!.guard.acquaintance.fence === 1_000
  }

  it('are told by fingerprint: texts and objects', () => {
    const departed = new Departed()
    const [client, other] = [{}, () => {}]
    departed.add(members('redis a', client))
    expect([fenced(departed, 'redis a'), fenced(departed, client)]).toEqual([true, true])
    expect([fenced(departed, 'redis b'), fenced(departed, {}), fenced(departed, other)]).toEqual([false, false, false])
  })

  it('are not told apart any more beyond a thousand: then every one counts as one of them', () => {
    const departed = new Departed()
    departed.add(members(...Array.from({ length: 999 }, (_, i) => `s${i}`)))
    expect(fenced(departed, 'stranger')).toBe(false)
    departed.add(members('last', 'beyond'))
    expect([fenced(departed, 'stranger'), fenced(departed, 'beyond'), fenced(departed, {})]).toEqual([
      true,
      true,
      false,
    ])
  })
})
