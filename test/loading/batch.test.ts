import { describe, expect, it } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import type { AtomicPower } from '../../src/node/atomic.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { customNode, type NodeSpec } from '../../src/node/spec.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { makeCache, turn } from '../support/caches.ts'
import { gate } from '../support/fake-node.ts'

/** One command that a node was sent, and for how many keys. */
type Command = [node: string, command: string, keys: number]

/** A memory node that notes the commands it is sent. */
function counted(id: string, commands: Command[]): NodeSpec {
  const { primary } = memoryNode(id)
  return customNode(
    (context): NodeAdapter => {
      const adapter = primary.open(context)
      const { atomic, ...others } = adapter.powers
      const note = <I, O>(name: string, run: (items: readonly I[]) => O) => {
        return (items: readonly I[]): O => {
          commands.push([id, name, items.length])
          return run(items)
        }
      }
      const power: AtomicPower = {
        lease: note('lease', (items) => atomic!.lease(items)),
        renew: note('renew', (items) => atomic!.renew(items)),
        fill: note('fill', (items) => atomic!.fill(items)),
        release: note('release', (items) => atomic!.release(items)),
        expire: note('expire', (items) => atomic!.expire(items)),
      }
      return {
        address: adapter.address,
        limits: adapter.limits,
        powers: { ...others, atomic: power },
        connect: () => adapter.connect(),
        read: note('read', (keys) => adapter.read(keys)),
        write: note('write', (items) => adapter.write(items)),
        remove: note('remove', (keys) => adapter.remove(keys)),
        reset: () => adapter.reset(),
        close: () => adapter.close(),
      }
    },
    { id },
  )
}

const IDS = ['a', 'b', 'c', 'd', 'e']
const KEYS: readonly string[] = Array.from({ length: 1_000 }, (_, i) => `key:${i}`)
const isMissing = (i: number): boolean => i % 10 < 3

/** Five nodes, a thousand keys, 300 of them missing. */
async function thousand(): Promise<{ cache: ShardedCache; commands: Command[] }> {
  const commands: Command[] = []
  const cache = await makeCache({ nodes: IDS.map((id) => counted(id, commands)) })
  await cache.setMany(KEYS.filter((_, i) => !isMissing(i)).map((key) => [key, `${key} cached`]))
  commands.length = 0
  return { cache, commands }
}

/** How many commands of each kind each node was sent. */
function perNode(commands: readonly Command[]): Record<string, Record<string, number>> {
  const counts: Record<string, Record<string, number>> = Object.fromEntries(IDS.map((id) => [id, {}]))
  for (const [id, command] of commands) counts[id]![command] = (counts[id]![command] ?? 0) + 1
  return counts
}

function keysOf(commands: readonly Command[], command: string): number {
  return commands.reduce((sum, [, name, keys]) => sum + (name === command ? keys : 0), 0)
}

describe('getOrLoadMany of 1,000 keys on five nodes, 300 of them missing', () => {
  it('calls the loader once, with exactly the 300, and each node with one read, one lease and one fill', async () => {
    const { cache, commands } = await thousand()
    const asked: string[][] = []
    const found = await cache.getOrLoadMany(KEYS, (missing) => {
      asked.push(missing)
      return missing.map((key) => [key, `${key} loaded`])
    })
    expect(asked).toEqual([KEYS.filter((_, i) => isMissing(i))])
    expect([...found]).toEqual(KEYS.map((key, i) => [key, `${key} ${isMissing(i) ? 'loaded' : 'cached'}`]))
    expect(perNode(commands)).toEqual(Object.fromEntries(IDS.map((id) => [id, { read: 1, lease: 1, fill: 1 }])))
    expect(['read', 'lease', 'fill'].map((command) => keysOf(commands, command))).toEqual([1_000, 300, 300])
    commands.length = 0
    expect((await cache.getMany(KEYS)).size).toBe(1_000)
    expect(perNode(commands)).toEqual(Object.fromEntries(IDS.map((id) => [id, { read: 1 }])))
  })

  it('when nothing is missing, each node sees one read', async () => {
    const { cache, commands } = await thousand()
    const keys = KEYS.filter((_, i) => !isMissing(i))
    const found = await cache.getOrLoadMany(keys, () => {
      throw new Error('the loader must not be called')
    })
    expect(found.size).toBe(700)
    expect(perNode(commands)).toEqual(Object.fromEntries(IDS.map((id) => [id, { read: 1 }])))
  })

  it('keys that the loader does not know cost one release a node, and hold nobody up', async () => {
    const { cache, commands } = await thousand()
    expect((await cache.getOrLoadMany(KEYS, () => [])).size).toBe(700)
    await turn()
    expect(perNode(commands)).toEqual(Object.fromEntries(IDS.map((id) => [id, { read: 1, lease: 1, release: 1 }])))
    const again = await cache.getOrLoadMany(KEYS, (missing) => missing.map((key) => [key, 'loaded']))
    expect(again.size).toBe(1_000)
  })
})

describe('loads of single keys', () => {
  it('in one turn are one read, one lease and one fill', async () => {
    const commands: Command[] = []
    // No time passes: a turn that took more than 5 ms would be sent in parts.
    const cache = await makeCache({ nodes: [counted('a', commands)], clock: new ManualClock() })
    const keys = KEYS.slice(0, 12)
    const loaded = await Promise.all(keys.map((key) => cache.getOrLoad(key, () => `${key} loaded`)))
    expect(loaded).toEqual(keys.map((key) => `${key} loaded`))
    expect(commands).toEqual([['a', 'read', 12], ['a', 'lease', 12], ['a', 'fill', 12]]) // prettier-ignore
  })
})

interface Contended {
  readonly one: ShardedCache
  readonly other: ShardedCache
  readonly clock: ManualClock
}

/** Two caches on one node, as two processes are. */
async function contended(): Promise<Contended> {
  const clock = new ManualClock()
  const node = memoryNode('m')
  const [one, other] = [await makeCache({ nodes: [node], clock }), await makeCache({ nodes: [node], clock })]
  return { one, other, clock }
}

describe('a batch of which somebody else loads some', () => {
  it('loads and fills what it won before it waits for the others', async () => {
    const { one, other, clock } = await contended()
    const database = gate<string>()
    const held = other.getOrLoad('held', () => database.promise)
    await turn()
    const asked: string[][] = []
    let ended = false
    const batch = one
      .getOrLoadMany(['x', 'held', 'y'], (missing) => {
        asked.push(missing)
        return missing.map((key) => [key, `${key} of one`])
      })
      .finally(() => (ended = true))
    await turn()
    expect(asked).toEqual([['x', 'y']])
    // Filled already: everybody else has them.
    expect([...(await other.getMany(['x', 'y']))]).toEqual([['x', 'x of one'], ['y', 'y of one']]) // prettier-ignore
    await clock.advanceAsync(2_000)
    expect(ended).toBe(false)
    database.open('held of other')
    await clock.advanceAsync(200)
    expect([...(await batch)]).toEqual([['x', 'x of one'], ['held', 'held of other'], ['y', 'y of one']]) // prettier-ignore
    expect([await held, asked]).toEqual(['held of other', [['x', 'y']]])
  })

  it('loads them itself when their holder fails, or its lease ends', async () => {
    const { one, other, clock } = await contended()
    const database = gate<string>()
    const held = other.getOrLoad('held', () => database.promise).catch((error: unknown) => error)
    await turn()
    const asked: string[][] = []
    const batch = one.getOrLoadMany(['x', 'held'], (missing) => {
      asked.push(missing)
      return missing.map((key) => [key, `${key} of one`])
    })
    await clock.advanceAsync(1_000)
    database.fail(new Error('down'))
    await clock.advanceAsync(200)
    expect([...(await batch)]).toEqual([['x', 'x of one'], ['held', 'held of one']]) // prettier-ignore
    expect(asked).toEqual([['x'], ['held']])
    expect(await held).toMatchObject({ code: 'ERR_LOAD' })
  })

  it('two overlapping batches of two processes load each key once', async () => {
    const { one, other, clock } = await contended()
    const asked: string[] = []
    const load = async (missing: string[]): Promise<[string, string][]> => {
      asked.push(...missing)
      await new Promise<void>((resolve) => clock.setTimer(resolve, 50))
      return missing.map((key) => [key, `${key} loaded`])
    }
    const keys = Array.from({ length: 30 }, (_, i) => `key:${i}`)
    const both = [one.getOrLoadMany(keys.slice(0, 20), load), other.getOrLoadMany(keys.slice(10), load)]
    await clock.advanceAsync(1_000)
    for (const found of await Promise.all(both)) expect(found.size).toBe(20)
    expect(asked.toSorted()).toEqual(keys.toSorted())
  })
})
