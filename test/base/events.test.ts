import { describe, expect, it } from 'vitest'
import { Events, type CacheEvents } from '../../src/base/events.ts'

const miss = (key: string): CacheEvents['miss'] => ({ type: 'miss', key, at: 1 })

describe('Events', () => {
  it('tells every listener of the type, in the order in which they came, and no other', () => {
    const events = new Events()
    const log: string[] = []
    events.on('miss', (event) => log.push(`1 ${event.key}`))
    events.on('miss', (event) => log.push(`2 ${event.key}`))
    events.on('hit', () => log.push('hit'))
    events.emit(miss('a'))
    expect(log).toEqual(['1 a', '2 a'])
  })

  it('stops at once, and stopping twice does no harm', () => {
    const events = new Events()
    let count = 0
    const off = events.on('miss', () => count++)
    events.emit(miss('a'))
    off()
    off()
    events.emit(miss('b'))
    expect(count).toBe(1)
  })

  it('counts one listener that was added twice as two', () => {
    const events = new Events()
    let count = 0
    const listener = (): number => count++
    const off = events.on('miss', listener)
    events.on('miss', listener)
    events.emit(miss('a'))
    expect(count).toBe(2)
    off()
    events.emit(miss('b'))
    expect(count).toBe(3)
  })

  it('says whether anybody listens', () => {
    const events = new Events()
    expect(events.wanted('miss')).toBe(false)
    const off = events.on('miss', () => {})
    const other = events.on('miss', () => {})
    expect([events.wanted('miss'), events.wanted('hit')]).toEqual([true, false])
    off()
    expect(events.wanted('miss')).toBe(true)
    other()
    expect(events.wanted('miss')).toBe(false)
    const again = events.on('miss', () => {})
    other()
    expect(events.wanted('miss')).toBe(true)
    again()
  })

  it('survives a listener that throws, and goes on to the next', () => {
    const events = new Events()
    let told = 0
    events.on('miss', () => {
      throw new Error('a bad listener')
    })
    events.on('miss', () => told++)
    events.emit(miss('a'))
    events.emit(miss('b'))
    expect([told, events.listenerFailures]).toEqual([2, 2])
  })

  it('survives a listener that rejects, at once or later, and counts it', async () => {
    const events = new Events()
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    events.on('miss', () => Promise.reject(new Error('a bad listener')))
    events.on('miss', async () => {
      await Promise.resolve()
      throw new Error('a slow bad listener')
    })
    events.emit(miss('a'))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    expect(events.listenerFailures).toBe(2)
  })

  it('survives listeners that are removed, and added, while it tells them', () => {
    const events = new Events()
    const log: string[] = []
    const offs: (() => void)[] = []
    offs.push(
      events.on('miss', () => {
        log.push('1')
        for (const off of offs) off()
      }),
      events.on('miss', () => log.push('2')),
    )
    events.on('miss', () => log.push('3'))
    events.emit(miss('a'))
    expect(log).toEqual(['1', '3'])
    let added = 0
    events.on('hit', () => {
      if (added++ === 0) events.on('hit', () => log.push('added'))
    })
    events.emit({ type: 'hit', key: 'a', source: 'a', at: 1 })
    events.emit({ type: 'hit', key: 'a', source: 'a', at: 2 })
    expect(added).toBe(2)
    expect(log).toContain('added')
  })

  it('does nothing when nobody listens', () => {
    expect(() => new Events().emit(miss('a'))).not.toThrow()
  })

  it.each(['nodeerror', '', '__proto__', 'constructor', 5, undefined])('refuses the unknown type %s', (type) => {
    expect(() => new Events().on(type as 'miss', () => {})).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining('known: hit, miss, load') }),
    )
  })

  it.each([undefined, null, 'f', {}])('refuses %s for a listener', (listener) => {
    expect(() => new Events().on('miss', listener as never)).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
  })
})
