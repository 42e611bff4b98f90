import { afterEach, describe, expect, it, vi } from 'vitest'
import { neverAny } from '../support/steady.ts'
import { TheftMeter } from './meters.ts'

describe('the time that a machine takes from a process', () => {
  const at = { now: 1_000, used: 400 }
  const open = (): TheftMeter => {
    vi.spyOn(performance, 'now').mockImplementation(() => at.now)
    vi.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: at.used * 500, system: at.used * 500 }))
    const meter = new TheftMeter()
    meter.stop()
    return meter
  }
  const pass = (ms: number, used: number): void => {
    at.now += ms
    at.used += used
  }
  afterEach(() => void vi.restoreAllMocks())

  it('is a gap in which it used no processor', () => {
    const meter = open()
    pass(105, 0)
    expect(meter.total()).toBe(100)
    pass(5, 0)
    expect(meter.total()).toBe(100)
    pass(205, 150)
    expect(meter.total()).toBe(150)
  })

  it('is not what it worked itself, and not a short gap', () => {
    const meter = open()
    pass(300, 295)
    expect(meter.total()).toBe(0)
    pass(300, 700)
    expect(meter.total()).toBe(0)
    pass(25, 0)
    expect(meter.total()).toBe(0)
  })
})

describe('what no machine excuses', () => {
  it('fails with what was found, counted or listed', () => {
    neverAny({ stale: 0, violations: [] })
    expect(() => neverAny({ wrong: 0, stale: 2 })).toThrow('however the machine runs there must be no stale: 2')
    expect(() => neverAny({ violations: ['old value'] })).toThrow("no violations: [ 'old value' ]")
  })
})
