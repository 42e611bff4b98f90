import { Stamps } from '../../src/base/stamps.ts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Deadlines } from '../../src/base/deadlines.ts'
import { Events } from '../../src/base/events.ts'
import { Guard } from '../../src/node/guard.ts'
import { FakeServer, hangs, type Behaviour } from '../support/fake-node.ts'
import { DEADLINE } from '../support/guards.ts'
import { StallingClock } from '../node/stalling-clock.ts'

/** What has arrived while the process stood still is read when the event loop turns, after the timers. */
const hasArrived: Behaviour = (answer) => new Promise((resolve) => setImmediate(() => resolve(answer())))

function setUp(reads: Behaviour) {
  const clock = new StallingClock()
  const server = new FakeServer()
  server.reads = reads
  const shared = {
    clock,
    deadlines: new Deadlines(clock),
    events: new Events(),
    stamps: new Stamps(clock),
    random: () => 0.5,
  }
  const guard = new Guard('a', server.open, { ...shared, node: { nodeTimeout: DEADLINE, clock } })
  return { clock, server, guard }
}

/** Ten commands under way while the process stands still for half a second; their answers wait to be read. */
async function stall(): Promise<{ timeouts: number; circuit: string; resets: number; down: boolean }> {
  const { clock, server, guard } = setUp(hasArrived)
  const reads = Array.from({ length: 10 }, () => guard.read(['k'], DEADLINE))
  await clock.stall(500)
  await Promise.all(reads)
  const { counts, circuit, state } = guard
  return { timeouts: counts.timeouts, circuit, resets: server.reset, down: state === 'down' }
}

/** As if timers ran what they have to run, whatever the event loop has still to read. */
function fireAtOnce(): void {
  const real = setImmediate
  vi.spyOn(globalThis, 'setImmediate').mockImplementation(((run: () => void) => {
    // What deadlines put off, and not what the test does.
    if (new Error().stack?.includes('deadlines.ts')) run()
    else real(run)
  }) as never)
}

/** As if nobody knew that a deadline passed late. */
function neverLate(): void {
  const { add } = Deadlines.prototype
  vi.spyOn(Deadlines.prototype, 'add').mockImplementation(function (this: Deadlines, ms, due, now) {
    const { expire } = due
    due.expire = () => expire.call(due, 0)
    add.call(this, ms, due, now)
  })
}

describe('a stall of this process, with answers waiting', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('costs no call, opens no circuit and resets no connection', async () => {
    expect(await stall()).toEqual({ timeouts: 0, circuit: 'closed', resets: 0, down: false })
  })

  it('control: with timers that go first, and nothing given back, it does', async () => {
    fireAtOnce()
    neverLate()
    const { timeouts, circuit } = await stall()
    expect([timeouts, circuit]).toEqual([10, 'open'])
  })

  it('with timers that go first: calls are lost, but the time is given back to the server', async () => {
    fireAtOnce()
    const { timeouts, circuit, down } = await stall()
    expect([timeouts, circuit, down]).toEqual([10, 'closed', false])
  })
})

describe('a stall of this process, with a server that hangs as well', () => {
  it('gives the server the lost time back, and then holds it against it', async () => {
    const { clock, guard } = setUp(hangs)
    const reads = Array.from({ length: 3 }, () => guard.read(['k'], DEADLINE))
    await clock.pass(DEADLINE - 10)
    await clock.stall(110)
    await Promise.all(reads)
    expect([guard.counts.timeouts, guard.circuit]).toEqual([3, 'closed'])
    await clock.pass(99)
    expect(guard.circuit).toBe('closed')
    await clock.pass(1)
    expect(guard.circuit).toBe('open')
  })
})

describe('deadlines', () => {
  it('are told how late they pass; not at all when it is a few milliseconds', async () => {
    const clock = new StallingClock()
    const deadlines = new Deadlines(clock)
    const late: Record<string, number> = {}
    deadlines.set(10, (ms) => (late['a'] = ms))
    await clock.pass(10)
    deadlines.set(10, (ms) => (late['b'] = ms))
    await clock.stall(15)
    deadlines.set(10, (ms) => (late['c'] = ms))
    deadlines.set(100, (ms) => (late['d'] = ms))
    deadlines.set(400, (ms) => (late['e'] = ms))
    await clock.stall(200)
    await clock.pass(200)
    expect(late).toEqual({ a: 0, b: 0, c: 190, d: 100, e: 0 })
  })

  it('that pass late let the event loop turn first', async () => {
    const clock = new StallingClock()
    const deadlines = new Deadlines(clock)
    const log: string[] = []
    deadlines.set(10, () => log.push('deadline'))
    setImmediate(() => log.push('answer'))
    await clock.stall(100)
    expect(log).toEqual(['answer', 'deadline'])
  })

  it('that were cancelled by such an answer, or closed meanwhile, do not pass', async () => {
    const clock = new StallingClock()
    const deadlines = new Deadlines(clock)
    const log: string[] = []
    const one = deadlines.set(10, () => log.push('one'))
    setImmediate(() => one.cancel())
    await clock.stall(100)
    deadlines.set(10, () => log.push('two'))
    setImmediate(() => deadlines.close())
    await clock.stall(100)
    expect([log, deadlines.size, clock.pending]).toEqual([[], 0, 0])
  })

  it('set while late ones wait for their turn pass in their time', async () => {
    const clock = new StallingClock()
    const deadlines = new Deadlines(clock)
    const log: string[] = []
    deadlines.set(10, () => log.push(`old@${clock.monotonic()}`))
    setImmediate(() => deadlines.set(5, () => log.push(`new@${clock.monotonic()}`)))
    await clock.stall(100)
    await clock.pass(10)
    expect(log).toEqual(['old@100', 'new@105'])
  })
})
