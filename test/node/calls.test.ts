import { describe, expect, it } from 'vitest'
import { Deadlines } from '../../src/base/deadlines.ts'
import { NodeError } from '../../src/base/errors.ts'
import { asking } from '../../src/node/asks.ts'
import type { Ask } from '../../src/node/call.ts'
import { Calls } from '../../src/node/calls.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { rejection, settled, turn } from '../support/caches.ts'
import { gate } from '../support/fake-node.ts'

const NODE_TIMEOUT = 250
const never = (): Promise<never> => new Promise(() => {})

function setUp() {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock)
  const missed: [number, NodeError][] = []
  const silent: number[] = []
  const calls = new Calls({
    address: 'fake:1',
    clock,
    deadlines,
    nodeTimeout: NODE_TIMEOUT,
    missed: (error) => missed.push([clock.monotonic(), error]),
    silent: () => silent.push(clock.monotonic()),
  })
  const read = <T>(ms: number, ask: () => Promise<T>): Promise<T> => calls.run('read', 1, ms, ask)
  return { clock, deadlines, calls, read, missed, silent }
}

describe('a call', () => {
  it('settles as what it asked does, and leaves no deadline behind', async () => {
    const { clock, deadlines, read } = setUp()
    expect(await read(NODE_TIMEOUT, () => Promise.resolve(1))).toBe(1)
    expect(await rejection(read(NODE_TIMEOUT, () => Promise.reject(new Error('no'))))).toMatchObject({ message: 'no' })
    expect([deadlines.size, clock.referenced]).toEqual([0, 0])
  })

  it('that is late was missed; its answer is discarded and changes nothing', async () => {
    const { clock, read, missed } = setUp()
    const late = gate<number>()
    const reading = rejection(read(NODE_TIMEOUT, () => late.promise))
    await clock.advanceAsync(NODE_TIMEOUT)
    const error = (await reading) as NodeError
    expect(error).toMatchObject({ code: 'ERR_NODE_TIMEOUT', message: 'fake:1 did not answer a read within 250 ms' })
    expect(missed).toEqual([[250, error]])
    late.open(1)
    await clock.advanceAsync(10_000)
    expect(missed).toHaveLength(1)
  })

  it('is handed on in a turn of its own when many fail at once, by rejecting or by outcomes that are all failures', async () => {
    const { read } = setUp()
    const lost = gate()
    const down = new NodeError('ERR_NODE_DOWN', 'lost')
    const log: number[] = []
    const all = Array.from({ length: 6 }, (_, i) =>
      read(NODE_TIMEOUT, async () => {
        await lost.promise
        if (i % 2 === 0) throw down
        return [down, down]
      })
        .catch(() => undefined)
        .then(() => log.push(i)),
    )
    const part = read(NODE_TIMEOUT, () => lost.promise.then(() => [down, undefined])).then(() => log.push(-1))
    lost.open()
    await turn()
    // What only failed in part has been answered.
    expect(log).toContain(-1)
    expect(log.length).toBeLessThan(4)
    await Promise.all([...all, part])
    expect(log.filter((i) => i >= 0)).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('that fails late is no unhandled rejection', async () => {
    const { clock, read } = setUp()
    const late = gate()
    const reading = rejection(read(NODE_TIMEOUT, () => late.promise))
    await clock.advanceAsync(NODE_TIMEOUT)
    await reading
    late.fail(new Error('late'))
    await turn()
  })
})

describe('a caller without a promise', () => {
  const told = () => {
    const all: unknown[] = []
    return { all, came: (value: unknown) => void all.push(value), failed: (error: Error) => void all.push(error) }
  }

  it.each<[string, () => Promise<number>, unknown]>([
    ['what came', () => Promise.resolve(1), 1],
    ['what went wrong', () => Promise.reject(new Error('no')), { message: 'no' }],
    ['what was thrown', () => { throw new Error('at once') }, { message: 'at once' }], // prettier-ignore
  ])('is told %s, once, and not at once', async (_, ask, expected) => {
    const { clock, calls } = setUp()
    const { all, came, failed } = told()
    calls.begin('read', 1, NODE_TIMEOUT, asking(ask), came, failed)
    expect(all).toEqual([])
    await clock.advanceAsync(10 * NODE_TIMEOUT)
    expect(all).toMatchObject([expected])
  })

  it('is told of the deadline, when all that follows from it is known, and of nothing after it', async () => {
    const { clock, calls, missed } = setUp()
    const late = gate<number>()
    const known: unknown[] = []
    const failed = (error: Error): void => void known.push((error as NodeError).code, calls.suspect, missed.length)
    calls.begin('read', 1, NODE_TIMEOUT, asking(() => late.promise), () => known.push('came'), failed) // prettier-ignore
    await clock.advanceAsync(NODE_TIMEOUT)
    late.open(1)
    await clock.advanceAsync(NODE_TIMEOUT)
    expect(known).toEqual(['ERR_NODE_TIMEOUT', true, 1])
  })

  it('tells once, whatever it is told, and how often', async () => {
    const { clock, calls } = setUp()
    const { all, came, failed } = told()
    const twice: Ask<number> = (asker) => {
      for (const value of [1, 2]) queueMicrotask(() => asker.came(value))
      queueMicrotask(() => asker.failed(new Error('no')))
    }
    const throwing: Ask<number> = (asker) => {
      queueMicrotask(() => asker.came(3))
      throw new Error('behind it')
    }
    calls.begin('read', 1, NODE_TIMEOUT, twice, came, failed)
    calls.begin('read', 1, NODE_TIMEOUT, throwing, came, failed)
    await clock.advanceAsync(10 * NODE_TIMEOUT)
    expect(all).toEqual([1, 3])
    await calls.drain(NODE_TIMEOUT)
    expect(clock.referenced).toBe(0)
  })

  it('is told later, too, that nothing is begun any more', async () => {
    const { calls } = setUp()
    const { all, came, failed } = told()
    await calls.drain(0)
    calls.begin('read', 1, NODE_TIMEOUT, asking(never), came, failed)
    expect(all).toEqual([])
    await turn()
    expect(all).toMatchObject([{ code: 'ERR_NODE_DOWN' }])
  })
})

describe('a caller who waits for less than a server has', () => {
  it('is told at once; the server is judged when its own time has passed', async () => {
    const { clock, read, missed } = setUp()
    const reading = rejection(read(50, never))
    await clock.advanceAsync(50)
    expect(await reading).toMatchObject({ code: 'ERR_NODE_TIMEOUT' })
    await clock.advanceAsync(NODE_TIMEOUT - 51)
    expect(missed).toEqual([])
    await clock.advanceAsync(1)
    expect(missed.map(([at]) => at)).toEqual([NODE_TIMEOUT])
    expect(clock.pending).toBe(0)
  })

  it('does not hold it against a server that then answers in its time, or fails', async () => {
    const { clock, read, missed } = setUp()
    const [answer, failure] = [gate(), gate()]
    const readings = [rejection(read(50, () => answer.promise)), rejection(read(50, () => failure.promise))]
    await clock.advanceAsync(200)
    answer.open()
    failure.fail(new Error('no'))
    await clock.advanceAsync(1_000)
    await Promise.all(readings)
    expect(missed).toEqual([])
  })

  it('takes no more timers than misses decide', async () => {
    const { clock, read, missed } = setUp()
    const readings = Array.from({ length: 1_000 }, () => rejection(read(50, never)))
    await clock.advanceAsync(50)
    await Promise.all(readings)
    // And one to see whether the connection is silent.
    expect(clock.pending).toBe(3 + 1)
    await clock.advanceAsync(NODE_TIMEOUT)
    expect([missed.length, clock.pending]).toEqual([3, 0])
    // And again, when those have been judged.
    const again = rejection(read(50, never))
    await clock.advanceAsync(NODE_TIMEOUT)
    await again
    expect(missed).toHaveLength(4)
  })

  it('keeps no process alive with it, and is not judged once all is closed', async () => {
    const { clock, calls, read, missed } = setUp()
    const reading = rejection(read(50, never))
    await clock.advanceAsync(50)
    await reading
    expect([clock.pending, clock.referenced]).toEqual([2, 0])
    void calls.drain(10)
    await clock.advanceAsync(1_000)
    expect(missed).toEqual([])
  })
})

describe('what is not a command', () => {
  it.each(['connect', 'info', 'close'] as const)('%s is never counted as missed', async (operation) => {
    const { clock, calls, missed } = setUp()
    const asking = rejection(calls.run(operation, 1, NODE_TIMEOUT, never))
    await clock.advanceAsync(1_000)
    expect(await asking).toMatchObject({ code: 'ERR_NODE_TIMEOUT' })
    expect(missed).toEqual([])
  })
})

describe('the bound on what is under way', () => {
  it('is 20,000: the next is refused at once, with ERR_NODE_BUSY, and nothing is held against the server', async () => {
    const { clock, calls, read, missed } = setUp()
    const slow = gate()
    let asked = 0
    const ask = (): Promise<void> => {
      asked++
      return slow.promise
    }
    const all = Array.from({ length: 20_000 }, () => read(NODE_TIMEOUT, ask))
    const error = await rejection(read(NODE_TIMEOUT, ask))
    expect(error).toMatchObject({ code: 'ERR_NODE_BUSY', message: '20000 operations already wait for fake:1' })
    expect([asked, missed.length]).toEqual([20_000, 0])
    // What the adapter holds can be let go of all the same.
    await calls.run('close', 0, NODE_TIMEOUT, () => Promise.resolve())
    slow.open()
    await Promise.all(all)
    await read(NODE_TIMEOUT, ask)
    expect(clock.referenced).toBe(0)
  })

  it('counts what is still under way after its callers have left', async () => {
    const { clock, read } = setUp()
    const slow = gate()
    const all = Array.from({ length: 20_000 }, () => rejection(read(50, () => slow.promise)))
    await clock.advanceAsync(50)
    await Promise.all(all)
    expect(await rejection(read(50, never))).toMatchObject({ code: 'ERR_NODE_BUSY' })
    slow.open()
    await turn()
    expect(await read(50, () => Promise.resolve(1))).toBe(1)
  })

  it('takes one error for many that time out together', async () => {
    const { clock, read } = setUp()
    const all = Array.from({ length: 100 }, () => rejection(read(NODE_TIMEOUT, never)))
    await clock.advanceAsync(NODE_TIMEOUT)
    expect(new Set(await Promise.all(all)).size).toBe(1)
  })
})

describe('silence', () => {
  it('is told when nothing at all came back for the node time-out, once', async () => {
    const { clock, read, silent } = setUp()
    const all = [rejection(read(NODE_TIMEOUT, never)), rejection(read(NODE_TIMEOUT, never))]
    await clock.advanceAsync(NODE_TIMEOUT)
    await Promise.all(all)
    expect(silent).toEqual([NODE_TIMEOUT])
  })

  it('is ended by an answer to anything', async () => {
    const { clock, calls, read, silent } = setUp()
    const stuck = rejection(read(NODE_TIMEOUT, never))
    await clock.advanceAsync(NODE_TIMEOUT - 1)
    await calls.run('info', 1, NODE_TIMEOUT, () => Promise.resolve())
    await clock.advanceAsync(NODE_TIMEOUT)
    await stuck
    expect(silent).toEqual([])
  })
})

describe('drain', () => {
  it('lets nothing begin any more, but the end itself', async () => {
    const { calls, read } = setUp()
    await calls.drain(NODE_TIMEOUT)
    expect(await rejection(read(NODE_TIMEOUT, never))).toMatchObject({
      code: 'ERR_NODE_DOWN',
      message: 'fake:1 was closed',
    })
    expect(await calls.run('close', 0, NODE_TIMEOUT, () => Promise.resolve('closed'))).toBe('closed')
  })

  it('waits for what is under way, and no longer than it was told', async () => {
    const { clock, calls, read } = setUp()
    const slow = gate()
    void read(NODE_TIMEOUT, () => slow.promise)
    const draining = calls.drain(NODE_TIMEOUT)
    await clock.advanceAsync(100)
    expect(await settled(draining)).toBe(false)
    slow.open()
    await draining
    expect(clock.referenced).toBe(0)
    const other = setUp()
    void rejection(other.read(NODE_TIMEOUT, never))
    const stuck = other.calls.drain(100)
    await other.clock.advanceAsync(100)
    await stuck
  })
})
