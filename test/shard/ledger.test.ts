import { describe, expect, it, vi } from 'vitest'
import { Slice } from '../../src/base/slice.ts'
import { NodeError } from '../../src/base/errors.ts'
import { Ledger } from '../../src/shard/ledger.ts'
import { Shard } from '../../src/shard/shard.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { turn } from '../support/caches.ts'
import { after, FakeServer, gate, isDown, works, type Behaviour } from '../support/fake-node.ts'
import { item } from '../support/guards.ts'
import { bareShard } from '../support/shards.ts'

const MS = 250
const refuses: Behaviour = (_, keys) => Promise.resolve(keys.map(() => new NodeError('ERR_NODE', 'not now')))
const deleted = { status: 'deleted' }

function setUp(replicas = 0, limits?: { maxKeys: number; maxBytes: number }) {
  const clock = new ManualClock()
  const servers = Array.from({ length: replicas + 1 }, (_, i) => new FakeServer(`s${i}`))
  const bare = bareShard(clock, servers, limits)
  const { shard } = bare
  const put = (...keys: string[]): void => {
    for (const server of servers)
      for (const key of keys) server.store.set(key, { value: Buffer.from(key), until: Infinity })
  }
  const read = async (policy: 'prefer-primary' | 'replica', ...keys: string[]): Promise<unknown[]> =>
    (await shard.read(keys, policy, MS)).outcomes.map((outcome) =>
      outcome instanceof Slice ? Buffer.from(outcome.own()).toString() : outcome,
    )
  const removed = (): string[] =>
    servers[0]!.asked.filter((one) => one.operation === 'remove').flatMap((one) => one.keys)
  return { clock, server: servers[0]!, servers, put, read, removed, ...bare }
}

describe('a delete that the node missed', () => {
  it('is journaled; its key is a miss on every member until it was replayed, and other keys are read', async () => {
    const { clock, server, servers, shard, put, read } = setUp(2)
    put('k', 'l')
    server.all = isDown
    expect(await shard.remove(['k'], MS)).toMatchObject([{ status: 'journaled', error: { code: 'ERR_NODE_DOWN' } }])
    const before = servers.map((one) => one.count('read'))
    for (const policy of ['prefer-primary', 'replica'] as const) expect(await read(policy, 'k')).toEqual([undefined])
    expect(servers.map((one) => one.count('read'))).toEqual(before)
    expect(await read('replica', 'k', 'l')).toEqual([undefined, 'l'])
    // The circuit closes, and the delete is replayed at once.
    server.all = works
    await clock.advanceAsync(1_000)
    expect([server.store.has('k'), shard.ledger.backlog]).toEqual([false, 0])
    // From then on, for a second, it is read from the primary, whatever a replica still holds.
    expect(await read('replica', 'k')).toEqual([undefined])
    await clock.advanceAsync(1_000)
    expect(await read('replica', 'k')).toEqual(['k'])
  })

  it('that it will never do holds up no other one', async () => {
    const { clock, server, shard, removed } = setUp(0, { maxKeys: 1_000, maxBytes: 1_000_000 })
    const stubborn = Array.from({ length: 300 }, (_, i) => `stubborn:${i}`)
    server.removes = isDown
    await shard.remove([...stubborn, 'good'], MS)
    server.removes = (answer, keys) => {
      const outcomes = answer()
      return Promise.resolve(
        keys.map((key, i) => (key.startsWith('stubborn') ? new NodeError('ERR_NODE', 'never') : outcomes[i])),
      )
    }
    await clock.advanceAsync(2_000)
    expect(removed()).toContain('good')
    expect(shard.ledger.owed('good')).toBe(false)
    expect(shard.ledger.backlog).toBe(300)
  })

  it('is settled by a write that the node acknowledges, and counted so', async () => {
    const { server, shard, clock } = setUp()
    server.removes = refuses
    await shard.remove(['k', 'l'], MS)
    await shard.write([item('k')], MS, true)
    expect([shard.ledger.owed('k'), shard.ledger.owed('l')]).toEqual([false, true])
    server.removes = works
    await clock.advanceAsync(1_000)
    expect(shard.ledger.counts).toEqual({ added: 2, replayed: 1, settled: 1, overflowed: 0, dropped: 0 })
  })

  it('control: a replica would have given the value', async () => {
    const { servers, put, read } = setUp(1)
    put('k')
    servers[0]!.store.delete('k')
    expect(await read('replica', 'k')).toEqual(['k'])
  })

  it('is tried again after 100 ms, then ever more rarely, when the node is up and does not do it', async () => {
    const { clock, server, shard, put, removed } = setUp()
    put('k')
    server.removes = refuses
    await shard.remove(['k'], MS)
    await turn()
    const times: number[] = []
    const start = clock.monotonic()
    let seen = removed().length
    expect(seen).toBe(2)
    while (times.length < 8) {
      await clock.advanceAsync(50)
      if (removed().length > seen) times.push(clock.monotonic() - start)
      seen = removed().length
    }
    const pauses = times.map((at, i) => at - (times[i - 1] ?? 0))
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
    server.removes = works
    await clock.advanceAsync(5_000)
    expect([server.store.has('k'), shard.ledger.backlog, clock.referenced]).toEqual([false, 0, 0])
  })

  it('does not make the node pay for others that fail meanwhile: the pause holds for all', async () => {
    const { clock, server, shard, removed } = setUp()
    server.removes = refuses
    await shard.remove(['k'], MS)
    await clock.advanceAsync(700)
    const before = removed().length
    for (let i = 0; i < 20; i++) await shard.remove([`k:${i}`], MS)
    // Twenty deletes, and no replay beside them.
    expect(removed().length - before).toBe(20)
    server.removes = works
    await clock.advanceAsync(5_000)
    expect(shard.ledger.backlog).toBe(0)
  })

  it('that fails again during its replay stays noted', async () => {
    const { clock, server, shard, put } = setUp()
    put('k')
    server.removes = refuses
    await shard.remove(['k'], MS)
    await turn()
    const slow = gate()
    server.removes = after(slow.promise)
    await clock.advanceAsync(100)
    server.removes = refuses
    await shard.remove(['k'], MS)
    slow.open()
    await turn()
    expect(shard.ledger.owed('k')).toBe(true)
    server.removes = works
    await clock.advanceAsync(200)
    expect(shard.ledger.owed('k')).toBe(false)
  })

  it('is told once to the node when many are: in commands of 256 keys', async () => {
    const { clock, server, shard } = setUp(0, { maxKeys: 1_000, maxBytes: 1_000_000 })
    server.all = isDown
    await shard.remove(
      Array.from({ length: 600 }, (_, i) => `k:${i}`),
      MS,
    )
    server.asked.length = 0
    server.all = works
    await clock.advanceAsync(1_000)
    expect(server.asked.map(({ keys }) => keys.length)).toEqual([256, 256, 88])
    expect(shard.ledger.counts).toEqual({ added: 600, replayed: 600, settled: 0, overflowed: 0, dropped: 0 })
  })
})

describe('a write', () => {
  it('that is acknowledged settles what was noted before it began', async () => {
    const { server, shard, read, put } = setUp()
    put('k')
    server.removes = refuses
    await shard.remove(['k'], MS)
    expect(await read('prefer-primary', 'k')).toEqual([undefined])
    expect(await shard.write([item('k')], MS, true)).toEqual(['stored'])
    expect([shard.ledger.owed('k'), await read('prefer-primary', 'k')]).toEqual([false, ['1']])
  })

  it('does not settle what was noted since it began', async () => {
    const { server, shard, read } = setUp()
    const slow = gate()
    server.writes = after(slow.promise)
    const writing = shard.write([item('k')], MS, true)
    server.removes = refuses
    await shard.remove(['k'], MS)
    slow.open()
    expect(await writing).toEqual(['stored'])
    expect([shard.ledger.owed('k'), await read('prefer-primary', 'k')]).toEqual([true, [undefined]])
  })

  /** Whether a write that is acknowledged is there, when the replay of an older delete began after it. */
  async function overtaken(): Promise<boolean> {
    const { clock, server, shard } = setUp()
    server.removes = refuses
    await shard.remove(['k', 'l'], MS)
    server.removes = works
    const reply = gate()
    server.writes = async (answer) => {
      const outcomes = answer()
      await reply.promise
      return outcomes
    }
    const writing = shard.write([item('k')], MS, true)
    await clock.advanceAsync(200)
    expect(shard.ledger.owed('l')).toBe(false)
    reply.open()
    expect(await writing).toEqual(['stored'])
    await clock.advanceAsync(10_000)
    expect([shard.ledger.backlog, clock.referenced]).toEqual([0, 0])
    return server.store.has('k')
  }

  it('is not undone by the replay of a delete from before it', async () => {
    expect(await overtaken()).toBe(true)
  })

  it('control: is, when the replay does not leave out what is being written', async () => {
    const begin = vi.spyOn(Ledger.prototype, 'begin').mockReturnValue({ stamp: 0, noted: [] })
    expect(await overtaken()).toBe(false)
    begin.mockRestore()
  })

  it('that fails is noted where it replaces something, and not where there was nothing', async () => {
    const { server, shard } = setUp()
    server.all = refuses
    await shard.write([item('k')], MS, false)
    expect(shard.ledger.backlog).toBe(0)
    await shard.write([item('k')], MS, true)
    expect(shard.ledger.backlog).toBe(1)
  })
})

describe('a full journal', () => {
  it('says failed, and makes all entries from before misses', async () => {
    const { clock, server, shard, journal } = setUp(0, { maxKeys: 2, maxBytes: 10_000 })
    server.all = isDown
    const removals = await shard.remove(['a', 'b', 'c', 'd'], MS)
    expect(removals.map(({ status }) => status)).toEqual(['journaled', 'journaled', 'failed', 'failed'])
    expect(shard.ledger.fence).toBe(clock.now())
    expect(shard.ledger.counts).toEqual({ added: 2, replayed: 0, settled: 0, overflowed: 2, dropped: 0 })
    const at = clock.now()
    expect(journal).toEqual([
      { type: 'journal', node: 's0', status: 'added', keys: 2, at },
      { type: 'journal', node: 's0', status: 'overflowed', keys: 2, at },
    ])
  })
})

describe('close', () => {
  it('gives up what is noted, tells of it, and notes nothing more', async () => {
    const { clock, server, shard, journal } = setUp()
    server.removes = refuses
    await shard.remove(['a', 'b'], MS)
    await turn()
    shard.ledger.close()
    expect(journal.at(-1)).toEqual({ type: 'journal', node: 's0', status: 'dropped', keys: 2, at: clock.now() })
    expect(await shard.remove(['c'], MS)).toMatchObject([{ status: 'failed' }])
    const commands = server.asked.length
    server.removes = works
    await clock.advanceAsync(60_000)
    expect([server.asked.length, clock.referenced]).toEqual([commands, 0])
    expect(shard.ledger.counts).toEqual({ added: 2, replayed: 0, settled: 0, overflowed: 0, dropped: 2 })
  })

  it('of an empty one tells nothing', () => {
    const { shard, journal } = setUp()
    shard.ledger.close()
    expect(journal).toEqual([])
  })
})

describe('another primary', () => {
  it('is told what the one before missed, which is left alone then', async () => {
    const { clock, server, servers, shard, context, put } = setUp(1)
    put('k')
    server.all = isDown
    await shard.remove(['k'], MS)
    const promoted = { ...shard.spec, primary: shard.spec.replicas[0]!, replicas: [shard.spec.primary] }
    const next = new Shard(promoted, context, shard)
    next.ledger.attach(next.primary)
    await turn()
    expect([servers[1]!.store.has('k'), next.ledger.backlog]).toEqual([false, 0])
    server.all = works
    await clock.advanceAsync(10_000)
    expect(server.count('remove')).toBe(1)
    expect(await next.remove(['k'], MS)).toEqual([{ status: 'absent' }])
    expect(await shard.remove(['k'], MS)).toEqual([deleted])
  })
})
