import { describe, expect, it } from 'vitest'
import { NodeError } from '../../src/base/errors.ts'
import { sliceOf, type Slice } from '../../src/base/slice.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import type { SliceOutcome } from '../../src/node/slices.ts'
import { Answers } from '../../src/shard/answers.ts'
import { GatheredReads, type ReadMany } from '../../src/shard/gathered-reads.ts'
import { MOST_WAITING } from '../../src/shard/turn.ts'
import { turn } from '../support/caches.ts'
import { gate } from '../support/fake-node.ts'

const answersOf = (keys: readonly string[]): Answers =>
  new Answers(
    keys.map((key) => sliceOf(Buffer.from(key))),
    undefined,
  )

function setUp(until: Promise<unknown> = Promise.resolve()) {
  const clock = new ManualClock()
  const sent: { keys: readonly string[]; policy: unknown; ms: number }[] = []
  let refused = 0
  const gather = new GatheredReads(
    clock,
    (keys, policy, ms, came) => {
      sent.push({ keys: [...keys], policy, ms })
      void until.then(() => came(answersOf(keys)))
    },
    () => {
      refused++
      return new NodeError('ERR_NODE_BUSY', 'refused')
    },
  )
  const read = async (key: string, ms = 100): Promise<string> => {
    const outcome = await new Promise<SliceOutcome>((resolve, reject) => {
      gather.join(key, 'primary', ms, { answered: resolve, failed: reject }, clock.monotonic())
    })
    return outcome instanceof NodeError ? outcome.message : Buffer.from((outcome as Slice).own()).toString()
  }
  return { clock, gather, sent, read, refused: () => refused }
}

describe('reads of one turn', () => {
  it('share a command, and each key is asked for once', async () => {
    const { sent, read } = setUp()
    expect(await Promise.all(['a', 'b', 'a', 'c'].map((key) => read(key)))).toEqual(['a', 'b', 'a', 'c'])
    expect(sent).toEqual([{ keys: ['a', 'b', 'c'], policy: 'primary', ms: 100 }])
  })

  it('of another turn are another command', async () => {
    const { sent, read } = setUp()
    await read('a')
    await read('a')
    expect(sent.map(({ keys }) => keys)).toEqual([['a'], ['a']])
  })

  it('leave in pieces of 64 keys, a full one at once, the first with 16 while nobody waits', async () => {
    const { sent, read } = setUp()
    const reading = Array.from({ length: 130 }, (_, i) => read(`${i}`))
    expect(sent.map(({ keys }) => keys.length)).toEqual([16, 64])
    expect(await Promise.all(reading)).toEqual(Array.from({ length: 130 }, (_, i) => `${i}`))
    expect(sent.map(({ keys }) => keys.length)).toEqual([16, 64, 50])
    await Promise.all(Array.from({ length: 20 }, (_, i) => read(`${i}`)))
    expect(sent.slice(3).map(({ keys }) => keys.length)).toEqual([16, 4])
    const slow = read('slow')
    await Promise.all([slow, ...Array.from({ length: 70 }, (_, i) => read(`${i}`))])
    expect(sent.slice(5).map(({ keys }) => keys.length)).toEqual([16, 55])
  })

  it('with another time or policy are another command; more than eight of those leave at once', async () => {
    const { sent, read } = setUp()
    const reading = Array.from({ length: 10 }, (_, i) => read('a', 100 + i))
    expect(sent.map(({ ms }) => ms)).toEqual([100, 101])
    await Promise.all(reading)
    expect(sent).toHaveLength(10)
  })

  it('what waits for the end of the turn counts against the deadline, and a turn that takes long begins anew', async () => {
    const { clock, sent, read } = setUp()
    const first = read('a')
    clock.advance(3)
    const second = read('b')
    clock.advance(3)
    const third = read('c')
    expect(sent).toEqual([{ keys: ['a', 'b'], policy: 'primary', ms: 95 }])
    await Promise.all([first, second, third])
    expect(sent[1]).toEqual({ keys: ['c'], policy: 'primary', ms: 100 })
  })

  it('a process that stands still has not used up the node’s time', async () => {
    const { clock, sent, read } = setUp()
    const reading = read('a')
    clock.advance(500)
    await reading
    expect(sent[0]?.ms).toBe(95)
  })

  it('leave before their key is changed, and others stay together', async () => {
    const { gather, sent, read } = setUp()
    const reading = [read('a'), read('b')]
    gather.turn.release(['x'])
    expect(sent).toEqual([])
    gather.turn.release(['x', 'b'])
    expect(sent.map(({ keys }) => keys)).toEqual([['a', 'b']])
    await Promise.all(reading)
  })

  it('are refused when too many wait, and welcome again afterwards', async () => {
    const hung = gate()
    const { sent, read, refused } = setUp(hung.promise)
    // However few keys they ask for.
    const reading = Array.from({ length: MOST_WAITING }, () => read('a'))
    await turn()
    expect([await read('b'), refused(), sent.length]).toEqual(['refused', 1, 1])
    hung.open()
    await Promise.all(reading)
    expect([await read('b'), refused()]).toEqual(['b', 1])
  })

  it('a read that rejects is everybody’s, and counts as settled', async () => {
    const clock = new ManualClock()
    const failing: ReadMany = (_keys, _policy, _ms, _came, failed) => queueMicrotask(() => failed(new Error('policy')))
    const gather = new GatheredReads(clock, failing, () => new NodeError('ERR_NODE_BUSY', ''))
    for (let i = 0; i < 2; i++) {
      const failures: unknown[] = []
      const reader = { answered: () => {}, failed: (error: unknown) => void failures.push(error) }
      for (let n = 0; n < MOST_WAITING; n++) gather.join('a', 'primary', 100, reader, 0)
      await turn()
      expect([failures.length, (failures[0] as Error).message]).toEqual([MOST_WAITING, 'policy'])
    }
  })
})
