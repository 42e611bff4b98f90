import { describe, expect, it } from 'vitest'
import { loadHash } from '../../src/base/hash.ts'
import { AT_FRESH_UNTIL, readEnvelope, writeEnvelope, type EntryKind, type Header } from '../../src/entry/envelope.ts'
import type { AtomicPower, LeaseRequest } from '../../src/node/atomic.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { memoryNode, type MemoryNodeOptions } from '../../src/node/memory.ts'
import { conformanceCases, ManualClock } from '../../src/testing/index.ts'

const hash = await loadHash()
const KEY = 'k'
const token = (byte: number): Buffer => Buffer.alloc(12, byte)
const envelope = (kind: EntryKind, fields: Partial<Header> = {}, payload = ''): Buffer => {
  const times = { writtenAt: 1_000, freshUntil: 5_000, entryUntil: 9_000, loadTime: 0, leaseUntil: 0 }
  const header = { kind, compressed: false, ...times, version: token(0), ...fields }
  return writeEnvelope(header, Buffer.from(payload), KEY, hash)
}
const wish = (mark: Uint8Array, seen?: LeaseRequest['seen'], ms = 100): LeaseRequest => ({
  key: KEY,
  seen,
  token: mark,
  placeholder: envelope('lease', { version: mark }),
  ms,
})

function open(options?: MemoryNodeOptions): { adapter: NodeAdapter; atomic: AtomicPower; clock: ManualClock } {
  const clock = new ManualClock(1_000)
  const adapter = memoryNode('m', options).primary.open({ nodeTimeout: 250, clock, identified: () => {} })
  if (!adapter.powers.atomic) throw new Error('no leases')
  return { adapter, atomic: adapter.powers.atomic, clock }
}
const header = async (adapter: NodeAdapter): Promise<Header | undefined> => {
  const [found] = await adapter.read([KEY])
  const read = found instanceof Uint8Array ? readEnvelope(found, KEY, hash) : undefined
  return read?.status === 'ok' ? read.header : undefined
}

describe('memoryNode: leases', () => {
  it('last to the millisecond', async () => {
    const { adapter, atomic, clock } = open()
    await atomic.lease([wish(token(1))])
    clock.advance(99)
    expect((await atomic.lease([wish(token(2))]))[0]).toBeInstanceOf(Uint8Array)
    clock.advance(1)
    expect(await atomic.lease([wish(token(2))])).toEqual(['won'])
    await adapter.write([{ key: KEY, value: envelope('value', { version: token(3) }), ttl: 1_000 }])
    expect(await atomic.lease([wish(token(4), token(3))])).toEqual(['won'])
    expect((await header(adapter))?.leaseUntil).toBe(clock.now() + 100)
    clock.advance(99)
    expect(await atomic.lease([wish(token(5), token(4))])).toEqual(['held'])
    expect(await atomic.renew([{ key: KEY, token: token(4), ms: 10 }])).toEqual(['done'])
    clock.advance(10)
    expect(await atomic.lease([wish(token(5), token(4))])).toEqual(['won'])
  })

  it('leave the TTL of an entry as it was', async () => {
    const { adapter, atomic, clock } = open()
    await adapter.write([{ key: KEY, value: envelope('value', { version: token(3) }), ttl: 50 }])
    await atomic.lease([wish(token(4), token(3))])
    await atomic.renew([{ key: KEY, token: token(4), ms: 1_000 }])
    await atomic.release([{ key: KEY, token: token(4) }])
    await atomic.expire([{ key: KEY, now: 1, version: token(5) }])
    clock.advance(49)
    expect(await header(adapter)).toMatchObject({ version: token(5), freshUntil: 1, leaseUntil: 0 })
    clock.advance(1)
    expect(await adapter.read([KEY])).toEqual([undefined])
  })

  it('do not touch what somebody has read', async () => {
    const { adapter, atomic } = open()
    const value = envelope('value', { version: token(3) }, 'x')
    await adapter.write([{ key: KEY, value, ttl: 1_000 }])
    const [read] = await adapter.read([KEY])
    await atomic.lease([wish(token(4), token(3))])
    await atomic.expire([{ key: KEY, now: 1, version: token(5) }])
    expect(Buffer.from(read as Uint8Array)).toEqual(value)
  })

  it('keep copies: who asked may go on using its buffers', async () => {
    const { adapter, atomic } = open()
    const mark = token(1)
    const request = wish(mark)
    await atomic.lease([request])
    request.placeholder.fill(0)
    mark.fill(9)
    expect((await header(adapter))?.version).toEqual(token(1))
    const value = envelope('value', { version: token(2) }, 'x')
    await atomic.fill([{ key: KEY, token: token(1), value, ttl: 1_000 }])
    value.fill(0)
    expect((await header(adapter))?.version).toEqual(token(2))
  })

  it('are not filled with what is too large', async () => {
    const { adapter, atomic } = open({ maxBytes: 1_024 })
    await atomic.lease([wish(token(1))])
    const fill = { key: KEY, token: token(2), value: Buffer.alloc(2_000), ttl: 1_000 }
    expect(await atomic.fill([fill])).toEqual(['lost'])
    expect((await header(adapter))?.kind).toBe('lease')
    expect(await atomic.fill([{ ...fill, token: token(1) }])).toMatchObject([{ code: 'ERR_NODE' }])
    expect(await adapter.read([KEY])).toEqual([undefined])
  })

  it('are shared by the caches that share the store, and refused by the one that was closed', async () => {
    const clock = new ManualClock(1_000)
    const { primary } = memoryNode('m')
    const [one, other] = [1, 2].map(() => primary.open({ nodeTimeout: 250, clock, identified: () => {} }))
    expect(await one?.powers.atomic?.lease([wish(token(1))])).toEqual(['won'])
    await one?.close()
    expect(await one?.powers.atomic?.release([{ key: KEY, token: token(1) }])).toMatchObject([
      { code: 'ERR_NODE_DOWN' },
    ])
    expect(await other?.powers.atomic?.release([{ key: KEY, token: token(1) }])).toEqual(['done'])
  })

  it('take a clock that is far off, or has fractions', async () => {
    const { adapter, atomic, clock } = open()
    await adapter.write([{ key: KEY, value: envelope('value', { version: token(3) }), ttl: 1_000 }])
    clock.advance(0.75)
    for (const ms of [100, 2 ** 52]) expect(await atomic.lease([wish(token(4), 'any', ms)])).toEqual(['won'])
    expect((await header(adapter))?.leaseUntil).toBe(2 ** 48 - 1)
    expect(await atomic.expire([{ key: KEY, now: -5.5, version: token(5) }])).toEqual(['expired'])
    expect((await header(adapter))?.freshUntil).toBe(0)
  })
})

/** Leases with one rule broken, and the case that has to find it out. */
const BROKEN: readonly {
  rule: string
  case: string
  break(honest: AtomicPower, adapter: NodeAdapter): Partial<AtomicPower>
}[] = [
  {
    rule: 'lets everybody win',
    case: 'of many who want one lease at once',
    break: ({ lease }) => ({ lease: (all) => lease(all.map((each) => ({ ...each, seen: 'any' }))) }),
  },
  {
    rule: 'looks first and takes then',
    case: 'of many who want one lease at once',
    break: ({ lease }, adapter) => ({
      lease: async (all) => {
        const there = await adapter.read(all.map(({ key }) => key))
        await new Promise((resolve) => setImmediate(resolve))
        return lease(all.map((each, index) => (there[index] ? each : { ...each, seen: 'any' })))
      },
    }),
  },
  {
    rule: 'fills whatever is there',
    case: 'a delete or a write voids',
    break: (_, adapter) => ({ fill: async (all) => (await adapter.write(all)).map(() => 'done' as const) }),
  },
  {
    rule: 'compares first and fills then',
    case: 'a fill never overtakes a delete',
    break: ({ renew }, adapter) => ({
      fill: async (all) => {
        const held = await renew(all.map((each) => ({ ...each, ms: 1_000 })))
        await new Promise((resolve) => setImmediate(resolve))
        await adapter.write(all.filter((_, index) => held[index] === 'done'))
        return held
      },
    }),
  },
  {
    rule: 'leases for ever',
    case: 'a lease ends by itself',
    break: ({ lease }) => ({ lease: (all) => lease(all.map((each) => ({ ...each, ms: 3_600_000 }))) }),
  },
  {
    rule: 'does not renew',
    case: 'a lease that is renewed goes on',
    break: ({ renew }) => ({ renew: (all) => renew(all.map((each) => ({ ...each, ms: 1 }))) }),
  },
  {
    rule: 'gives nothing back',
    case: 'a lease that is given back',
    break: () => ({ release: (all) => Promise.resolve(all.map(() => 'done' as const)) }),
  },
  {
    rule: 'gives back anybody’s lease',
    case: 'a delete or a write voids',
    break: (_, adapter) => ({
      release: async (all) => (await adapter.remove(all.map(({ key }) => key))).map(() => 'done' as const),
    }),
  },
  {
    rule: 'does not take over',
    case: 'with any, a lease is taken over',
    break: ({ lease }) => ({ lease: (all) => lease(all.map((each) => ({ ...each, seen: undefined }))) }),
  },
  {
    rule: 'deletes what it is to make out of date',
    case: 'expire makes an entry out of date',
    break: (_, adapter) => ({ expire: (all) => adapter.remove(all.map(({ key }) => key)) }),
  },
  {
    rule: 'makes what is out of date fresh again',
    case: 'expire makes an entry out of date',
    break: ({ expire }, adapter) => ({
      expire: async (all) => {
        const outcomes = await expire(all)
        for (const [index, { key, now }] of all.entries()) {
          if (outcomes[index] !== 'expired') continue
          const [found] = await adapter.read([key])
          const changed = Buffer.from(found as Uint8Array)
          changed.writeUIntBE(now, AT_FRESH_UNTIL, 6)
          await adapter.write([{ key, value: changed, ttl: 60_000 }])
        }
        return outcomes
      },
    }),
  },
  {
    rule: 'answers out of order',
    case: 'many keys have an outcome each',
    break: ({ lease }) => ({ lease: async (all) => (await lease(all)).reverse() }),
  },
]

describe('the conformance suite finds out one whose atomic power', () => {
  it.each(BROKEN)('$rule', async (broken) => {
    const { primary } = memoryNode('m', { maxBytes: 4 * 2 ** 20 })
    const about = (adapt: (adapter: NodeAdapter) => NodeAdapter): Promise<void> | undefined =>
      conformanceCases({ open: (context) => adapt(primary.open(context)) })
        .find(({ name }) => name.includes(broken.case))
        ?.run()
    await about((honest) => honest)
    const spoilt = about((honest) => {
      const { atomic } = honest.powers as { atomic: AtomicPower }
      const bound: AtomicPower = {
        lease: (all) => atomic.lease(all),
        renew: (all) => atomic.renew(all),
        fill: (all) => atomic.fill(all),
        release: (all) => atomic.release(all),
        expire: (all) => atomic.expire(all),
      }
      const adapter = Object.create(honest) as NodeAdapter
      const methods = ['connect', 'read', 'write', 'remove', 'reset', 'close'] as const
      for (const method of methods) Object.assign(adapter, { [method]: honest[method].bind(honest) })
      return Object.assign(adapter, {
        powers: { ...honest.powers, atomic: { ...bound, ...broken.break(bound, honest) } },
      })
    })
    await expect(spoilt).rejects.toMatchObject({ name: 'AssertionError' })
  })
})
