import { afterEach, describe, expect, it, vi } from 'vitest'
import { Slice } from '../../src/base/slice.ts'
import { NodeError } from '../../src/base/errors.ts'
import { Journal } from '../../src/shard/journal.ts'
import { ManualClock, seededRandom } from '../../src/testing/index.ts'
import { FakeServer, type Behaviour } from '../support/fake-node.ts'
import { bareShard } from '../support/shards.ts'

const KEYS = ['a', 'b', 'c']
const WORKERS = 6
const STEPS = 120
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** What is asked arrives in order and is answered in order, some turns later; changes may be refused on the spot. */
function connection(random: () => number): { reads: Behaviour; changes: Behaviour } {
  let arrived: Promise<unknown> = Promise.resolve()
  let answered: Promise<unknown> = Promise.resolve()
  const some = (): number => Math.floor(random() * 4)
  const reads: Behaviour = (answer) => {
    const outcomes = Promise.all([arrived, turns(some())]).then(answer)
    arrived = outcomes
    const reply = Promise.all([answered, outcomes.then(() => turns(some()))]).then(() => outcomes)
    answered = reply
    return reply
  }
  const changes: Behaviour = (answer, keys) =>
    random() < 0.4 ? Promise.resolve(keys.map(() => new NodeError('ERR_NODE', 'refused'))) : reads(answer, keys)
  return { reads, changes }
}

/** Workers write, delete and read three keys; returns how many reads were older than a change that had been acknowledged. */
async function race(seed: number): Promise<{ stale: number; values: number; journaled: number; backlog: number }> {
  const random = seededRandom(seed)
  const clock = new ManualClock()
  const server = new FakeServer()
  const { reads, changes } = connection(random)
  server.reads = reads
  server.writes = changes
  server.removes = changes
  const { shard } = bareShard(clock, [server])
  const floor = new Map(KEYS.map((key) => [key, 0]))
  let version = 0
  let [stale, values, journaled, running] = [0, 0, 0, WORKERS]

  const step = async (key: string): Promise<void> => {
    const least = floor.get(key) as number
    const own = ++version
    const settle = (): void => void floor.set(key, Math.max(floor.get(key) as number, own))
    const kind = random()
    if (kind < 0.3) {
      // Stored, or failed: in either case the value before it must not be read any more.
      await shard.write([{ key, value: Buffer.from(`${own}`), ttl: 3_600_000 }], 250, true)
      settle()
    } else if (kind < 0.6) {
      const [removal] = await shard.remove([key], 250)
      if (removal!.status === 'journaled') journaled++
      if (removal!.status !== 'failed') settle()
    } else {
      const { outcomes } = await shard.read([key], 'prefer-primary', 250)
      const [outcome] = outcomes
      if (!(outcome instanceof Slice)) return
      values++
      if (Number(Buffer.from(outcome.own()).toString()) < least) stale++
    }
  }
  const workers = Array.from({ length: WORKERS }, async () => {
    for (let i = 0; i < STEPS; i++) {
      await step(KEYS[Math.floor(random() * KEYS.length)] as string)
      await turns(Math.floor(random() * 3))
    }
    running--
  })
  while (running > 0) await clock.advanceAsync(Math.floor(random() * 25))
  await Promise.all(workers)
  server.removes = reads
  // In small steps: an answer takes some turns of the event loop.
  for (let i = 0; i < 3_000 && shard.ledger.backlog > 0; i++) await clock.advanceAsync(10)
  return { stale, values, journaled, backlog: shard.ledger.backlog }
}

describe('notes, settlements and replays in any order', () => {
  afterEach(() => void vi.restoreAllMocks())

  it.each(SEEDS)('lose no delete: no read is older than an acknowledged change (seed %i)', async (seed) => {
    const { stale, values, journaled, backlog } = await race(seed)
    expect(stale).toBe(0)
    expect(values).toBeGreaterThan(20)
    expect(journaled).toBeGreaterThan(20)
    // And in the end the node has been told everything.
    expect(backlog).toBe(0)
  })

  it('control: a journal that goes by no stamps loses some', async () => {
    const { settle } = Journal.prototype
    vi.spyOn(Journal.prototype, 'settle').mockImplementation(function (this: Journal, key) {
      return settle.call(this, key, Infinity)
    })
    let stale = 0
    for (const seed of SEEDS) stale += (await race(seed)).stale
    expect(stale).toBeGreaterThan(0)
  })

  it('control: a journal that is not asked before a read loses many', async () => {
    vi.spyOn(Journal.prototype, 'has').mockReturnValue(false)
    expect((await race(SEEDS[0]!)).stale).toBeGreaterThan(0)
  })
})
