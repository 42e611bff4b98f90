import { describe, expect, it } from 'vitest'
import type { Slice } from '../../src/base/slice.ts'
import { NodeError } from '../../src/base/errors.ts'
import type { HolderOutcome, LeaseOutcome } from '../../src/node/atomic.ts'
import type { NodePowers, WriteItem, WriteOutcome } from '../../src/node/contract.ts'
import { GatheredWrites } from '../../src/shard/gathered-writes.ts'
import { MOST_WAITING } from '../../src/shard/turn.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { FakeServer, gate, isDown } from '../support/fake-node.ts'
import { item } from '../support/guards.ts'
import { bareShard } from '../support/shards.ts'

function setUp(until: Promise<unknown> = Promise.resolve()) {
  const clock = new ManualClock()
  const sent: { keys: string[]; ms: number; replaces: boolean }[] = []
  const refused: string[] = []
  const writes = new GatheredWrites<WriteItem, WriteOutcome>(
    clock,
    (items, ms, replaces, came, failed) => {
      sent.push({ keys: items.map(({ key }) => key), ms, replaces })
      until.then(() => came(items.map(() => 'stored')), failed)
    },
    ({ key }) => {
      refused.push(key)
      return new NodeError('ERR_NODE_BUSY', 'refused')
    },
    ({ value }) => value.length,
  )
  const write = (key: string, bytes = 1, replaces = true, ms = 100): Promise<WriteOutcome> =>
    new Promise((written, failed) => {
      writes.join({ key, value: Buffer.alloc(bytes), ttl: 1 }, ms, replaces, { written, failed })
    })
  return { clock, writes, sent, write, refused }
}

describe('writes of one turn', () => {
  it('share a command, in their order, those of one key among them', async () => {
    const { sent, write } = setUp()
    expect(await Promise.all(['a', 'b', 'a'].map((key) => write(key)))).toEqual(['stored', 'stored', 'stored'])
    expect(sent).toEqual([{ keys: ['a', 'b', 'a'], ms: 100, replaces: true }])
  })

  it('leave in pieces of 64 entries or 64 KiB, a full one at once, the first with 16 while nobody waits', async () => {
    const { sent, write } = setUp()
    const writing = [
      ...Array.from({ length: 70 }, (_, i) => write(`${i}`)),
      write('large', 60_000),
      write('larger', 70_000),
      write('last'),
    ]
    expect(sent.map(({ keys }) => keys.length)).toEqual([16, 56])
    await Promise.all(writing)
    expect(sent.map(({ keys }) => keys.length)).toEqual([16, 56, 1])
  })

  it('that replace something go apart from those that do not', async () => {
    const { sent, write } = setUp()
    await Promise.all([write('a', 1, true), write('b', 1, false)])
    expect(sent.map(({ keys, replaces }) => [keys, replaces])).toEqual([[['a'], true], [['b'], false]]) // prettier-ignore
  })

  it('of one key leave in their order, whatever else they are like', async () => {
    const { sent, write } = setUp()
    const writes = [write('b'), write('a', 1, false), write('c', 1, false), write('a'), write('b', 1, false)]
    await Promise.all([...writes, write('d', 1, true, 50), write('a', 1, true, 50), write('d')])
    expect(sent.map(({ keys, replaces, ms }) => [keys.join(), replaces, ms])).toEqual([
      ['a,c', false, 100],
      ['b,a', true, 100],
      ['d,a', true, 50],
      ['b', false, 100],
      ['d', true, 100],
    ])
  })

  it('are refused when too many wait, and welcome again afterwards', async () => {
    const hung = gate()
    const { write, refused } = setUp(hung.promise)
    const writing = Array.from({ length: MOST_WAITING }, () => write('a'))
    expect(await write('b')).toMatchObject({ code: 'ERR_NODE_BUSY' })
    hung.open()
    await Promise.all(writing)
    expect([await write('c'), refused]).toEqual(['stored', ['b']])
  })

  it('fail together when the write itself rejects', async () => {
    const { write } = setUp(Promise.reject(new Error('broken')))
    const failures = await Promise.allSettled([write('a'), write('b'), write('a')])
    expect(failures).toMatchObject(Array(3).fill({ reason: { message: 'broken' } }))
  })
})

describe('calls of one turn for one key', () => {
  function bench(powers: NodePowers = {}) {
    const server = new FakeServer('s')
    server.powers = powers
    const { shard } = bareShard(new ManualClock(), [server])
    const read = (key: string): Promise<unknown> =>
      new Promise((answered, failed) => shard.gather.read(key, 'primary', 250, { answered, failed }, 0))
    const write = (key: string): Promise<WriteOutcome> =>
      new Promise((written, failed) => shard.gather.write(item(key), 250, true, { written, failed }))
    const asked = (): string[] => server.asked.map(({ operation, keys }) => `${operation} ${keys.join()}`)
    return { server, shard, read, write, asked }
  }

  it('reach the server in the order in which they were made, and others wait for the end of the turn', async () => {
    const { shard, read, write, asked } = bench()
    const calls = [read('a'), read('b'), write('a'), read('c'), read('a'), shard.remove(['a'], 250), write('a')]
    await Promise.all(calls)
    expect(asked()).toEqual(['read a,b', 'write a', 'read c,a', 'remove a', 'write a'])
  })

  it('do so with leases, and with writes under leases, too', async () => {
    const asked: string[] = []
    const note =
      <O>(name: string, outcome: O) =>
      (requests: readonly { readonly key: string }[]): Promise<O[]> => {
        asked.push(`${name} ${requests.map(({ key }) => key).join()}`)
        return Promise.resolve(requests.map(() => outcome))
      }
    const never = (): never => {
      throw new Error('not asked')
    }
    const lease = note<LeaseOutcome>('lease', 'won')
    const fill = note<HolderOutcome>('fill', 'done')
    const { server, shard, read, write } = bench({
      atomic: { lease, fill, renew: never, release: note<HolderOutcome>('release', 'done'), expire: never },
    })
    server.reads = (answer, keys) => (asked.push(`read ${keys.join()}`), Promise.resolve(answer()))
    server.writes = (answer, keys) => (asked.push(`write ${keys.join()}`), Promise.resolve(answer()))
    const token = Buffer.alloc(12)
    const take = (key: string): Promise<LeaseOutcome> =>
      new Promise((written, failed) => {
        const request = { key, seen: undefined, token, placeholder: token, ms: 1_000 }
        shard.gather.lease(request, 246.7, { written, failed })
      })
    const put = (key: string): Promise<unknown> =>
      new Promise((written, failed) => {
        shard.gather.fill({ ...item(key), token }, 250, false, { written, failed })
      })
    const calls = [take('a'), take('b'), put('c'), read('d'), put('a'), read('b'), write('c'), take('d'), put('d')]
    expect(await Promise.all(calls)).toEqual(['won', 'won', 'stored', undefined, 'stored', undefined, 'stored', 'won', 'stored']) // prettier-ignore
    expect(asked).toEqual(['lease a,b', 'fill c,a', 'read d,b', 'lease d', 'write c', 'fill d'])
    asked.length = 0
    await Promise.all([take('e'), shard.release([{ key: 'e', token }], 250)])
    expect(asked).toEqual(['lease e', 'release e'])
  })

  it('see what was written before them', async () => {
    const { read, write } = bench()
    const [before, , after] = await Promise.all([read('a'), write('a'), read('a')])
    expect([before, Buffer.from((after as Slice).own()).toString()]).toEqual([undefined, '1'])
  })

  it('that were refused leave no older value readable', async () => {
    const { server, shard, write } = bench()
    server.writes = () => new Promise(() => {})
    for (let i = 0; i < MOST_WAITING; i++) void write(`${i}`)
    server.removes = isDown
    expect(await write('key')).toMatchObject({ code: 'ERR_NODE_BUSY' })
    expect([shard.ledger.owed('key'), shard.ledger.owed('other')]).toEqual([true, false])
  })
})
