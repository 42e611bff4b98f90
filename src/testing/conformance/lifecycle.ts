import assert from 'node:assert/strict'
import type { NodeAdapter } from '../../node/contract.ts'
import {
  TTL,
  assertAllNodeErrors,
  assertBytes,
  assertNodeError,
  eventually,
  fetch,
  secret,
  settles,
  store,
  trialContext,
  type Draft,
} from './trial.ts'

/** Cases about resetting, closing and credentials. */
export const lifecycleCases: readonly Draft[] = [
  {
    name: 'the address is there, and the limits are numbers',
    run({ adapter }) {
      assert.equal(typeof adapter.address, 'string')
      assert.notEqual(adapter.address, '')
      assert.ok(!adapter.address.includes('@'), 'the address must not hold credentials')
      const { maxKeyBytes, maxValueBytes, ttlStep } = adapter.limits
      for (const limit of [maxKeyBytes, maxValueBytes, ttlStep]) assert.ok(Number.isSafeInteger(limit) && limit >= 1)
      assert.equal(typeof adapter.powers, 'object')
      return Promise.resolve()
    },
  },
  {
    name: 'two adapters of one server see each other’s writes and removals',
    async run({ adapter, open, key, value }) {
      const other = await open()
      await settles(other.connect(), 'connect()')
      const mine = value()
      await store(adapter, key('shared'), mine)
      assertBytes(await fetch(other, key('shared')), mine, 'what the other adapter wrote')
      assert.deepEqual(await settles(other.remove([key('shared')]), 'remove()'), ['deleted'])
      assert.equal(await fetch(adapter, key('shared')), undefined)
    },
  },
  {
    name: 'info tells keys and bytes',
    needs: 'info',
    async run({ adapter, identity, key, value }) {
      assert.ok(adapter.powers.info, "the adapter has no info power: say `without: ['info']`")
      await store(adapter, key('counted'), value())
      const info = await settles(adapter.powers.info(), 'info()')
      assert.equal(info.runId, identity.runId)
      assert.ok(Number.isFinite(info.keys) && info.keys >= 1, `info.keys is ${info.keys} with a key stored`)
      assert.ok(Number.isFinite(info.bytes) && info.bytes >= 0, `info.bytes is ${info.bytes}`)
    },
  },
  {
    name: 'after close every operation answers with a NodeError for each key, and connect rejects',
    async run({ adapter }) {
      await settles(adapter.close(), 'close()')
      await assertAllFail(adapter, 'after close()')
      await assert.rejects(settles(adapter.connect(), 'connect() after close()'), (error) => {
        assertNodeError(error, 'connect() after close()')
        return true
      })
    },
  },
  {
    name: 'close is idempotent, also at the same time, and without connect',
    async run({ adapter, open }) {
      await settles(Promise.all([adapter.close(), adapter.close()]), 'two close() at once')
      await settles(adapter.close(), 'a third close()')
      const other = await open()
      await settles(other.close(), 'close() without connect()')
      await assertAllFail(other, 'after close() without connect()')
    },
  },
  {
    name: 'close settles what is under way',
    async run({ adapter, key }) {
      const work = Array.from({ length: 50 }, (_, index) => adapter.read([key(`${index}`)]))
      const closing = adapter.close()
      const outcomes = await settles(Promise.all(work), 'reads under way during close()')
      await settles(closing, 'close()')
      for (const outcome of outcomes) {
        assert.equal(outcome.length, 1)
        if (outcome[0] !== undefined) assertNodeError(outcome[0], 'a read under way during close()')
      }
    },
  },
  {
    name: 'after reset the adapter works again',
    async run({ adapter, key, value }) {
      const mine = value()
      await store(adapter, key('kept'), mine)
      adapter.reset()
      adapter.reset()
      await works(adapter, key('kept'), mine)
    },
  },
  {
    name: 'reset settles what is under way, and no answer is mixed up',
    async run({ adapter, key }) {
      const valueOf = (index: number): Buffer => Buffer.from(`${index},`.repeat(1_000))
      for (let index = 0; index < 20; index++) await store(adapter, key(`${index}`), valueOf(index))
      for (let round = 0; round < 5; round++) {
        const reads = Array.from({ length: 20 }, (_, index) => adapter.read([key(`${index}`)]))
        const write = adapter.write([{ key: key('written'), value: valueOf(99), ttl: TTL }])
        const removal = adapter.remove([key('removed')])
        if (round % 2 === 1) await new Promise((resolve) => setImmediate(resolve))
        adapter.reset()
        const outcomes = await settles(Promise.all(reads), 'reads under way during reset()')
        for (const [index, outcome] of outcomes.entries()) {
          assert.equal(outcome.length, 1)
          if (outcome[0] instanceof Uint8Array) assertBytes(outcome[0], valueOf(index), `read ${index} during reset()`)
          else assertNodeError(outcome[0], `read ${index} during reset()`)
        }
        const [written] = await settles(write, 'a write under way during reset()')
        if (written !== 'stored') assertNodeError(written, 'a write under way during reset()', valueOf(99))
        const [removed] = await settles(removal, 'a removal under way during reset()')
        if (removed !== 'absent') assertNodeError(removed, 'a removal under way during reset()')
        await works(adapter, key('0'), valueOf(0))
      }
    },
  },
  {
    name: 'reset before connect and after close does no harm',
    async run({ adapter, open }) {
      const other = await open()
      other.reset()
      await settles(other.connect(), 'connect() after reset()')
      await settles(adapter.close(), 'close()')
      adapter.reset()
      await assertAllFail(adapter, 'after close() and reset()')
    },
  },
  {
    name: 'refused credentials reject connect with ERR_AUTH',
    needs: 'credentials',
    async run({ setup, key }) {
      const adapter = await setup.openRefused?.(trialContext)
      assert.ok(adapter)
      try {
        await assert.rejects(settles(adapter.connect(), 'connect() with refused credentials'), (error) => {
          assertNodeError(error, 'connect() with refused credentials')
          assert.equal((error as { code?: unknown }).code, 'ERR_AUTH')
          return true
        })
        assertAllNodeErrors(await settles(adapter.read([key('a')]), 'read()'), 1, 'a read with refused credentials')
      } finally {
        await settles(adapter.close(), 'close()')
      }
    },
  },
]

/** Waits until a key reads as it should: an adapter may need a moment to connect again. */
export async function works(adapter: NodeAdapter, key: string, value: Uint8Array): Promise<void> {
  await eventually(async () => {
    const outcome = await fetch(adapter, key)
    if (outcome instanceof Error) {
      assertNodeError(outcome, 'a read while connecting again')
      return false
    }
    assertBytes(outcome, value, 'a read once connected again')
    return true
  }, 'reads that work again')
}

/** Checks that operations fail, one `NodeError` per key, and that no promise rejects. */
export async function assertAllFail(adapter: NodeAdapter, when: string): Promise<void> {
  const value = secret()
  const keys = ['conformance:a', 'conformance:b', 'conformance:a']
  assertAllNodeErrors(await settles(adapter.read(keys), `read() ${when}`), 3, `read() ${when}`)
  const items = keys.map((key) => ({ key, value, ttl: TTL }))
  assertAllNodeErrors(await settles(adapter.write(items), `write() ${when}`), 3, `write() ${when}`, value)
  assertAllNodeErrors(await settles(adapter.remove(keys), `remove() ${when}`), 3, `remove() ${when}`)
  assert.deepEqual(await settles(adapter.read([]), `read() of no keys ${when}`), [])
}
