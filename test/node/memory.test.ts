import { describe, expect, it } from 'vitest'
import type { NodeAdapter, ReadOutcome } from '../../src/node/contract.ts'
import { memoryNode, type MemoryNodeOptions } from '../../src/node/memory.ts'
import { ManualClock } from '../../src/testing/index.ts'

function open(options?: MemoryNodeOptions): { adapter: NodeAdapter; clock: ManualClock } {
  const clock = new ManualClock()
  return { adapter: memoryNode('m', options).primary.open({ nodeTimeout: 250, clock, identified: () => {} }), clock }
}

const bytes = (text: string): Buffer => Buffer.from(text)
const texts = (outcomes: readonly ReadOutcome[]): unknown[] =>
  outcomes.map((outcome) => (outcome instanceof Uint8Array ? Buffer.from(outcome).toString() : outcome))

async function put(adapter: NodeAdapter, key: string, value: string | Buffer = key, ttl = 60_000): Promise<void> {
  const given = typeof value === 'string' ? bytes(value) : value
  expect(await adapter.write([{ key, value: given, ttl }])).toEqual(['stored'])
}

describe('memoryNode: time to live', () => {
  it('ends at its millisecond', async () => {
    const { adapter, clock } = open()
    await put(adapter, 'a', 'value', 1_000)
    clock.advance(999)
    expect(texts(await adapter.read(['a']))).toEqual(['value'])
    clock.advance(1)
    expect(await adapter.read(['a'])).toEqual([undefined])
  })

  it('a removal after the end says absent', async () => {
    const { adapter, clock } = open()
    await put(adapter, 'a', 'value', 10)
    clock.advance(10)
    expect(await adapter.remove(['a'])).toEqual(['absent'])
  })

  it('does not heed the wall clock: no jump of it makes an entry immortal or kills it', async () => {
    const { adapter, clock } = open()
    await put(adapter, 'a', 'value', 1_000)
    clock.jump(365 * 86_400_000)
    expect(texts(await adapter.read(['a']))).toEqual(['value'])
    clock.jump(-2 * 365 * 86_400_000)
    clock.advance(1_000)
    expect(await adapter.read(['a'])).toEqual([undefined])
  })

  it('a read does not make an entry live longer; a write does', async () => {
    const { adapter, clock } = open()
    await put(adapter, 'read', 'r', 100)
    await put(adapter, 'written', 'w', 100)
    clock.advance(60)
    await adapter.read(['read'])
    await put(adapter, 'written', 'w', 100)
    clock.advance(60)
    expect(texts(await adapter.read(['read', 'written']))).toEqual([undefined, 'w'])
  })

  it('lets go of what has ended once it is asked for', async () => {
    const { adapter, clock } = open()
    await put(adapter, 'a', 'value', 10)
    clock.advance(10)
    await adapter.read(['a'])
    expect(await adapter.powers.info?.()).toMatchObject({ keys: 0, bytes: 0 })
  })
})

describe('memoryNode: bounds', () => {
  it('holds at most max entries, and the least recently used one makes room', async () => {
    const { adapter } = open({ max: 3 })
    for (const key of ['a', 'b', 'c']) await put(adapter, key)
    await adapter.read(['a'])
    await put(adapter, 'd')
    expect(texts(await adapter.read(['a', 'b', 'c', 'd']))).toEqual(['a', undefined, 'c', 'd'])
    expect(await adapter.powers.info?.()).toMatchObject({ keys: 3 })
  })

  it('holds at most maxBytes, whatever is written', async () => {
    const maxBytes = 100_000
    const { adapter } = open({ maxBytes })
    for (let index = 0; index < 500; index++) {
      await put(adapter, `key:${index}`, Buffer.alloc((index * 7_919) % 30_000))
      const info = await adapter.powers.info?.()
      expect(info?.bytes).toBeLessThanOrEqual(maxBytes)
      expect(texts(await adapter.read([`key:${index}`]))[0]).toBeTypeOf('string')
    }
    const keys = (await adapter.powers.info?.())?.keys
    expect(keys).toBeGreaterThan(1)
    expect(keys).toBeLessThan(30)
  })

  it('counts replaced and removed bytes out again', async () => {
    const { adapter } = open()
    await put(adapter, 'a', Buffer.alloc(10_000))
    await put(adapter, 'a', Buffer.alloc(10))
    expect((await adapter.powers.info?.())?.bytes).toBe(10 + 1 + 150)
    await adapter.remove(['a'])
    expect(await adapter.powers.info?.()).toMatchObject({ keys: 0, bytes: 0 })
  })

  it('counts a key by its bytes', async () => {
    const { adapter } = open()
    await put(adapter, '🔑', Buffer.alloc(0))
    expect((await adapter.powers.info?.())?.bytes).toBe(4 + 150)
  })

  it('keeps the largest value under the longest key in the smallest store', async () => {
    const { adapter } = open({ maxBytes: 1_024 })
    const key = 'k'.repeat(250)
    await put(adapter, key, Buffer.alloc(adapter.limits.maxValueBytes, 'v'))
    expect((await adapter.read([key]))[0]).toHaveLength(1_024 - 250 - 150)
  })

  it('does not leave the old value behind when the new one is too large', async () => {
    const { adapter } = open({ maxBytes: 1_024 })
    await put(adapter, 'a', 'old')
    const [outcome] = await adapter.write([{ key: 'a', value: Buffer.alloc(2_000), ttl: 1_000 }])
    expect(outcome).toMatchObject({ name: 'NodeError', message: 'm cannot hold a value of 2000 bytes' })
    expect(await adapter.read(['a'])).toEqual([undefined])
  })
})

describe('memoryNode: one spec', () => {
  const context = { nodeTimeout: 250, clock: new ManualClock(), identified: () => {} }

  it('opened twice is one store, and closing one leaves it to the other', async () => {
    const spec = memoryNode('shared')
    const one = spec.primary.open(context)
    const other = spec.primary.open(context)
    await put(one, 'a', 'value')
    expect(texts(await other.read(['a']))).toEqual(['value'])
    await one.close()
    expect(texts(await other.read(['a']))).toEqual(['value'])
    expect((await one.read(['a']))[0]).toMatchObject({ code: 'ERR_NODE_DOWN' })
    const again = spec.primary.open(context)
    expect(texts(await again.read(['a']))).toEqual(['value'])
  })

  it('and another spec with the same id are two stores, with two run ids', async () => {
    const one = memoryNode('same').primary.open(context)
    const other = memoryNode('same').primary.open(context)
    await put(one, 'a', 'value')
    expect(await other.read(['a'])).toEqual([undefined])
    expect((await one.connect()).runId).not.toBe((await other.connect()).runId)
  })
})
