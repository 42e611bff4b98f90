import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { waitFor } from '../../src/base/caller.ts'
import { Deadlines } from '../../src/base/deadlines.ts'
import { CacheError } from '../../src/base/errors.ts'
import { ManualClock } from '../../src/testing/index.ts'

function setUp() {
  const clock = new ManualClock()
  const deadlines = new Deadlines(clock)
  const controller = new AbortController()
  const { promise, resolve, reject } = pending<string>()
  const listeners = (): number => getEventListeners(controller.signal, 'abort').length
  return { clock, deadlines, controller, signal: controller.signal, work: promise, resolve, reject, listeners }
}

function pending<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

const late = (): string => 'late'

describe('waitFor', () => {
  it('is the work itself when there is neither a signal nor a time-out', () => {
    const { work, deadlines } = setUp()
    expect(waitFor(work, { signal: undefined, timeout: undefined }, deadlines, late)).toBe(work)
  })

  it('gives the value, and leaves neither listener nor deadline behind', async () => {
    const { work, resolve, signal, deadlines, listeners } = setUp()
    const waiting = waitFor(work, { signal, timeout: 100 }, deadlines, late)
    expect([listeners(), deadlines.size]).toEqual([1, 1])
    resolve('value')
    expect(await waiting).toBe('value')
    expect([listeners(), deadlines.size]).toEqual([0, 0])
  })

  it('gives the error, and leaves nothing behind', async () => {
    const { work, reject, signal, deadlines, listeners } = setUp()
    const waiting = waitFor(work, { signal, timeout: 100 }, deadlines, late)
    reject(new Error('failed'))
    await expect(waiting).rejects.toThrow('failed')
    expect([listeners(), deadlines.size]).toEqual([0, 0])
  })

  it('rejects at once with the reason of a signal that is aborted already', async () => {
    const { work, controller, signal, deadlines, listeners } = setUp()
    const reason = new Error('not wanted any more')
    controller.abort(reason)
    await expect(waitFor(work, { signal, timeout: 100 }, deadlines, late)).rejects.toBe(reason)
    expect([listeners(), deadlines.size]).toEqual([0, 0])
  })

  it('rejects with the reason of a signal that is aborted later, whatever the reason is', async () => {
    for (const reason of [new Error('enough'), 'a string', 0, null]) {
      const { work, controller, signal, deadlines, listeners } = setUp()
      const waiting = waitFor(work, { signal, timeout: 100 }, deadlines, late)
      controller.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      expect([listeners(), deadlines.size]).toEqual([0, 0])
    }
  })

  it('settles with late() when the time-out passes', async () => {
    const { work, clock, signal, deadlines, listeners } = setUp()
    const waiting = waitFor(work, { signal, timeout: 100 }, deadlines, late)
    clock.advance(99)
    expect(listeners()).toBe(1)
    clock.advance(1)
    expect(await waiting).toBe('late')
    expect([listeners(), deadlines.size]).toEqual([0, 0])
  })

  it('rejects with what late() throws', async () => {
    const { work, clock, deadlines } = setUp()
    const waiting = waitFor(work, { signal: undefined, timeout: 10 }, deadlines, () => {
      throw new CacheError('ERR_TIMEOUT', 'too late')
    })
    clock.advance(10)
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
  })

  it('lets the first of abort, time-out and value win, and ignores the others', async () => {
    const first = setUp()
    const aborted = waitFor(first.work, { signal: first.signal, timeout: 10 }, first.deadlines, late)
    first.controller.abort(new Error('first'))
    first.clock.advance(10)
    first.resolve('value')
    await expect(aborted).rejects.toThrow('first')

    const second = setUp()
    const timedOut = waitFor(second.work, { signal: second.signal, timeout: 10 }, second.deadlines, late)
    second.clock.advance(10)
    second.controller.abort(new Error('second'))
    second.resolve('value')
    expect(await timedOut).toBe('late')

    const third = setUp()
    const valued = waitFor(third.work, { signal: third.signal, timeout: 10 }, third.deadlines, late)
    third.resolve('value')
    expect(await valued).toBe('value')
    third.controller.abort()
    third.clock.advance(10)
    expect(await valued).toBe('value')
  })

  it('does not leave a rejection unhandled when the work fails after the caller has gone', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const { work, reject, clock, deadlines } = setUp()
    const waiting = waitFor(work, { signal: undefined, timeout: 10 }, deadlines, late)
    clock.advance(10)
    expect(await waiting).toBe('late')
    reject(new Error('too late to matter'))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('detaches one caller alone: others that wait for the same work get its value', async () => {
    const { work, resolve, controller, signal, clock, deadlines } = setUp()
    const leaving = waitFor(work, { signal, timeout: undefined }, deadlines, late)
    const short = waitFor(work, { signal: undefined, timeout: 10 }, deadlines, late)
    const staying = waitFor(work, { signal: undefined, timeout: 1_000 }, deadlines, late)
    controller.abort(new Error('left'))
    await expect(leaving).rejects.toThrow('left')
    clock.advance(10)
    expect(await short).toBe('late')
    resolve('value')
    expect(await staying).toBe('value')
    expect(deadlines.size).toBe(0)
  })

  it('leaves no listener on a signal that lives for ten thousand calls', async () => {
    const { signal, deadlines, listeners } = setUp()
    for (let call = 0; call < 10_000; call++)
      await waitFor(Promise.resolve('value'), { signal, timeout: 100 }, deadlines, late)
    expect([listeners(), deadlines.size]).toEqual([0, 0])
  })
})
