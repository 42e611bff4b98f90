import { describe, expect, it } from 'vitest'
import type { NodeAdapter, NodeIdentity } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { ManualClock } from '../../src/testing/index.ts'

function open(): { adapter: NodeAdapter; clock: ManualClock; heard: NodeIdentity[] } {
  const clock = new ManualClock()
  const heard: NodeIdentity[] = []
  const identified = (identity: NodeIdentity): void => void heard.push(identity)
  return { adapter: memoryNode('m').primary.open({ nodeTimeout: 250, clock, identified }), clock, heard }
}

const bytes = (text: string): Buffer => Buffer.from(text)

describe('memoryNode: who answers', () => {
  it('is told by connect, with whether there is anything', async () => {
    const { adapter, heard } = open()
    expect(heard).toEqual([])
    const first = await adapter.connect()
    expect(first).toMatchObject({ role: 'primary', version: '', empty: true })
    await adapter.write([{ key: 'a', value: bytes('1'), ttl: 1_000 }])
    expect(await adapter.connect()).toEqual({ ...first, empty: false })
    expect(heard).toEqual([first, { ...first, empty: false }])
  })

  it('is not told after close', async () => {
    const { adapter, heard } = open()
    await adapter.close()
    await expect(adapter.connect()).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
    expect(heard).toEqual([])
  })
})

describe('memoryNode: removeIf', () => {
  it('removes what is equal, and nothing else', async () => {
    const { adapter } = open()
    await adapter.write([{ key: 'a', value: bytes('one'), ttl: 1_000 }])
    for (const other of ['two', 'on', 'one ', '']) {
      expect(await adapter.powers.removeIf?.('a', bytes(other))).toBe(false)
    }
    expect(await adapter.powers.removeIf?.('b', bytes('one'))).toBe(false)
    expect(await adapter.read(['a'])).toEqual([bytes('one')])
    expect(await adapter.powers.removeIf?.('a', bytes('one'))).toBe(true)
    expect(await adapter.read(['a'])).toEqual([undefined])
  })

  it('finds nothing once the entry has ended, and rejects after close', async () => {
    const { adapter, clock } = open()
    await adapter.write([{ key: 'a', value: bytes('one'), ttl: 10 }])
    clock.advance(10)
    expect(await adapter.powers.removeIf?.('a', bytes('one'))).toBe(false)
    await adapter.close()
    await expect(adapter.powers.removeIf?.('a', bytes('one'))).rejects.toMatchObject({ code: 'ERR_NODE_DOWN' })
  })
})
