import { describe, expect, it } from 'vitest'
import { infoOf, removeIf } from '../../src/node/powers.ts'
import { NodeError, type ErrorCode } from '../../src/base/errors.ts'
import type { NodeInfo } from '../../src/node/contract.ts'
import { rejection, turn } from '../support/caches.ts'
import { gate, hangs, isDown, works, type Behaviour } from '../support/fake-node.ts'
import { DEADLINE, item, setUpGuard as setUp } from '../support/guards.ts'

const failing =
  (code: ErrorCode): Behaviour =>
  (_, keys) =>
    Promise.resolve(keys.map(() => new NodeError(code, `fake says ${code}`)))
const down = expect.objectContaining({ code: 'ERR_NODE_DOWN' })

describe('what opens the circuit', () => {
  it.each([
    ['ERR_NODE_DOWN', 1],
    ['ERR_AUTH', 1],
    ['ERR_NODE_UNREADY', 3],
    // The client library's own deadline, which came before ours.
    ['ERR_NODE_TIMEOUT', 3],
    ['ERR_NODE', Infinity],
    ['ERR_NODE_BUSY', Infinity],
  ] as const)('%s: after %d in a row, of every operation', async (code, most) => {
    for (const ask of [
      (guard: ReturnType<typeof setUp>['guard']) => guard.read(['k'], DEADLINE),
      (guard: ReturnType<typeof setUp>['guard']) => guard.write([item('k')], DEADLINE),
      (guard: ReturnType<typeof setUp>['guard']) => guard.remove(['k'], DEADLINE),
    ]) {
      const { server, guard } = setUp()
      server.all = failing(code)
      for (let i = 1; i <= 10; i++) {
        expect(await ask(guard)).toEqual([expect.objectContaining({ code: i <= most ? code : 'ERR_NODE_DOWN' })])
        expect(guard.circuit).toBe(i >= most ? 'open' : 'closed')
      }
      expect(server.count()).toBe(Math.min(10, most))
      if (most === 3) expect(guard.state).toBe('down')
    }
  })

  it('three missed deadlines in a row, and an answer between them begins anew: also that of an error of one key', async () => {
    const { clock, server, guard } = setUp()
    const miss = async (): Promise<void> => {
      server.reads = hangs
      const reading = guard.read(['k'], DEADLINE)
      await clock.advanceAsync(DEADLINE)
      await reading
    }
    for (const answer of [works, failing('ERR_NODE')]) {
      await miss()
      await miss()
      server.reads = answer
      await guard.read(['k'], DEADLINE)
    }
    await miss()
    await miss()
    expect(guard.circuit).toBe('closed')
    await miss()
    expect([guard.circuit, guard.state]).toEqual(['open', 'down'])
  })

  it('keys that failed among keys that did not count as an answer', async () => {
    const { server, guard } = setUp()
    server.reads = (answer) => Promise.resolve([new NodeError('ERR_NODE_DOWN', 'no'), ...answer().slice(1)])
    for (let i = 0; i < 5; i++) await guard.read(['k', 'l'], DEADLINE)
    expect(guard.circuit).toBe('closed')
  })

  it('a first connection that fails', async () => {
    const { server, guard } = setUp()
    server.connects = () => Promise.reject(new NodeError('ERR_NODE_DOWN', 'nobody there'))
    expect(await rejection(guard.connect(DEADLINE))).toEqual(down)
    expect([guard.circuit, guard.usable]).toEqual(['open', false])
  })
})

describe('while it is open', () => {
  it('nothing is asked; each refusal says why, is an event, and is counted', async () => {
    const { clock, server, guard, errors, circuits } = setUp()
    server.all = isDown
    await guard.read(['k'], DEADLINE)
    server.all = works
    expect(await guard.read(['k', 'l'], DEADLINE)).toEqual([down, down])
    expect(await guard.write([item('k')], DEADLINE)).toEqual([down])
    expect(await guard.remove(['k', 'l', 'm'], DEADLINE)).toEqual([down, down, down])
    expect(server.count()).toBe(1)
    expect(guard.counts).toMatchObject({ refused: 6, errors: 1 })
    const message = 'fake:1 is not asked, its circuit is open: fake cannot be reached'
    expect(errors.slice(1)).toMatchObject([
      { operation: 'read', code: 'ERR_NODE_DOWN', keys: 2, message },
      { operation: 'write', code: 'ERR_NODE_DOWN', keys: 1, message },
      { operation: 'remove', code: 'ERR_NODE_DOWN', keys: 3, message },
    ])
    const where = { type: 'circuit', node: 'a', address: 'fake:1' }
    expect(circuits).toEqual([{ ...where, from: 'closed', to: 'open', at: clock.now() }])
  })

  it('one error does for all refusals', async () => {
    const { server, guard } = setUp()
    server.reads = isDown
    await guard.read(['k'], DEADLINE)
    const refused = await Promise.all([guard.read(['k'], DEADLINE), guard.read(['l'], DEADLINE)])
    expect(refused[0]![0]).toBe(refused[1]![0])
  })

  it('probes ask who is there; two that go well close it, and the owner of the guard hears of it', async () => {
    const { clock, server, guard, circuits } = setUp()
    const ups: number[] = []
    guard.onUp = () => ups.push(clock.monotonic())
    server.reads = isDown
    await guard.read(['k'], DEADLINE)
    let connects = 0
    server.connects = () => {
      connects++
      return Promise.resolve({ runId: 'fake', role: 'unknown', version: '' })
    }
    await clock.advanceAsync(1_000)
    expect([connects, guard.circuit, guard.state]).toEqual([2, 'closed', 'up'])
    expect(circuits.map(({ from, to }) => `${from}>${to}`)).toEqual([
      'closed>open',
      'open>half-open',
      'half-open>closed',
    ])
    expect(ups).toEqual([1_000])
  })

  it('a probe has the node time-out', async () => {
    const { clock, server, guard, circuits } = setUp()
    server.reads = isDown
    await guard.read(['k'], DEADLINE)
    server.connects = () => new Promise(() => {})
    await clock.advanceAsync(1_000 + DEADLINE - 1)
    expect(guard.circuit).toBe('half-open')
    await clock.advanceAsync(1)
    expect([guard.circuit, circuits.length]).toEqual(['open', 3])
  })

  it('info() is asked all the same, and does not close it', async () => {
    const { server, guard } = setUp((adapter) => ({ powers: { ...adapter.powers, info: () => Promise.resolve(info) } }))
    const info: NodeInfo = { runId: 'x', role: 'primary', version: '', keys: 7, bytes: 70 }
    server.reads = isDown
    await guard.read(['k'], DEADLINE)
    expect(await infoOf(guard, DEADLINE)).toBe(info)
    expect([guard.circuit, guard.state]).toEqual(['open', 'down'])
  })

  it('removeIf() is not', async () => {
    let asked = 0
    const power = (): Promise<boolean> => Promise.resolve(++asked > 0)
    const { server, guard } = setUp(() => ({ powers: { removeIf: power } }))
    await removeIf(guard, 'k', Buffer.from('1'), DEADLINE)
    server.reads = isDown
    await guard.read(['k'], DEADLINE)
    await removeIf(guard, 'k', Buffer.from('1'), DEADLINE)
    expect(asked).toBe(1)
  })
})

describe('a reset of our own', () => {
  it('forgives what it breaks for the node time-out, and no longer', async () => {
    const { clock, server, guard } = setUp()
    server.reads = isDown
    guard.reset()
    await guard.read(['k'], DEADLINE)
    await clock.advanceAsync(DEADLINE - 1)
    await guard.read(['k'], DEADLINE)
    expect(guard.circuit).toBe('closed')
    await clock.advanceAsync(1)
    await guard.read(['k'], DEADLINE)
    expect(guard.circuit).toBe('open')
  })

  it('control: the same failures without one open the circuit', async () => {
    const { server, guard } = setUp()
    server.reads = isDown
    await guard.read(['k'], DEADLINE)
    expect(guard.circuit).toBe('open')
  })

  it('forgives nothing any more once the server has said who it is', async () => {
    const { server, guard } = setUp()
    server.reads = isDown
    const { generation } = guard
    expect(await guard.replace(generation, DEADLINE)).toBe(true)
    await guard.read(['k'], DEADLINE)
    expect(guard.circuit).toBe('open')
  })

  it('that comes for silence does not open the circuit by what it takes along', async () => {
    const { clock, server, guard } = setUp()
    const broken = gate<never>()
    server.reads = () => broken.promise
    server.resets = () => broken.fail(new NodeError('ERR_NODE_DOWN', 'reset'))
    const stuck = guard.read(['k'], DEADLINE)
    await clock.advanceAsync(200)
    const others = Array.from({ length: 5 }, () => guard.read(['k'], DEADLINE))
    await clock.advanceAsync(50)
    expect(await Promise.all([stuck, ...others])).toMatchObject([
      [{ code: 'ERR_NODE_TIMEOUT' }],
      ...others.map(() => [{ code: 'ERR_NODE_DOWN' }]),
    ])
    expect([server.reset, guard.circuit]).toEqual([1, 'closed'])
  })
})

describe('replace', () => {
  it('throws one connection away once, however many ask for it', async () => {
    const { server, guard } = setUp()
    const { generation } = guard
    const all = Array.from({ length: 20 }, () => guard.replace(generation, DEADLINE))
    expect(await Promise.all(all)).toEqual(all.map(() => true))
    expect([server.reset, guard.generation]).toEqual([1, generation + 1])
    expect(await guard.replace(guard.generation, DEADLINE)).toBe(true)
    expect(server.reset).toBe(2)
  })

  it('says so when there is no new one in time', async () => {
    const { clock, server, guard } = setUp()
    server.connects = () => new Promise(() => {})
    const replacing = guard.replace(guard.generation, 50)
    await clock.advanceAsync(50)
    expect(await replacing).toBe(false)
    expect(guard.circuit).toBe('closed')
  })
})

describe('who answers', () => {
  it('is a fence, and an event, when it restarted with data', async () => {
    const { clock, server, guard, fences } = setUp()
    await guard.connect(DEADLINE)
    server.connects = () => Promise.resolve({ runId: 'other', role: 'primary', version: '', uptime: 3_000 })
    await guard.replace(guard.generation, DEADLINE)
    const before = clock.now() - 3_000
    expect(guard.acquaintance.fence).toBe(before)
    expect(fences).toEqual([{ type: 'fence', node: 'a', address: 'fake:1', before, at: clock.now() }])
  })
})

describe('a guard that is closed', () => {
  it('tells of no open circuit, whatever is asked of it or was under way', async () => {
    const { clock, server, guard, circuits } = setUp()
    const broken = gate<never>()
    server.reads = () => broken.promise
    const reading = guard.read(['k'], DEADLINE)
    const closing = guard.close(DEADLINE)
    broken.fail(new NodeError('ERR_NODE_DOWN', 'closed'))
    expect([await reading, await closing]).toEqual([[down], undefined])
    expect(await guard.read(['k'], DEADLINE)).toEqual([down])
    await turn()
    expect([circuits, clock.referenced]).toEqual([[], 0])
  })

  it('stops its probes', async () => {
    const { clock, server, guard } = setUp()
    server.reads = isDown
    await guard.read(['k'], DEADLINE)
    let connects = 0
    server.connects = () => Promise.reject(new NodeError('ERR_NODE_DOWN', `${++connects}`))
    await clock.advanceAsync(1_000)
    await guard.close(DEADLINE)
    await clock.advanceAsync(60_000)
    expect(connects).toBe(1)
  })
})
