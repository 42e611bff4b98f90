import assert from 'node:assert/strict'
import type { NodeIdentity } from '../../node/contract.ts'
import { assertBytes, fetch, settles, store, type Draft } from './trial.ts'

/** Cases about who answers: what `connect` gives, and what `identified` is told. */
export const identityCases: readonly Draft[] = [
  {
    name: 'connect gives an identity, the same each time',
    async run({ adapter, identity, open }) {
      assert.equal(typeof identity.runId, 'string')
      assert.notEqual(identity.runId, '', 'identity.runId must not be empty')
      assert.ok(['primary', 'replica', 'unknown'].includes(identity.role), `identity.role is ${identity.role}`)
      assert.equal(typeof identity.version, 'string')
      assert.equal((await settles(adapter.connect(), 'a second connect()')).runId, identity.runId)
      const other = await open()
      assert.equal((await settles(other.connect(), 'connect()')).runId, identity.runId, 'one server, one runId')
    },
  },
  {
    name: 'what an identity tells of uptime and emptiness is true',
    async run({ adapter, identity, key, value }) {
      await store(adapter, key('there'), value())
      const later = await settles(adapter.connect(), 'a second connect()')
      for (const { uptime, empty, linked } of [identity, later]) {
        const counts = uptime === undefined || (Number.isSafeInteger(uptime) && uptime >= 0)
        assert.ok(counts, `identity.uptime is ${uptime}: it must be whole milliseconds, or left out`)
        for (const flag of [empty, linked]) assert.ok(flag === undefined || typeof flag === 'boolean')
      }
      assert.ok((later.uptime ?? 0) >= (identity.uptime ?? 0), 'identity.uptime went back while the server ran')
      assert.notEqual(later.empty, true, 'identity.empty is true, although a key is there')
    },
  },
  {
    name: 'the history of its data, where it is told, is that of the identity',
    async run({ adapter, identity, key, value }) {
      const { history } = adapter.powers
      if (!history) return
      await store(adapter, key('there'), value())
      assert.equal(
        await settles(history(), 'history()'),
        identity.history,
        'history() tells another one than connect()',
      )
    },
  },
  {
    name: 'who answers is told before the first reply',
    async run({ identity, open, key }) {
      const heard: NodeIdentity[] = []
      const adapter = await open((told) => heard.push(told))
      assert.deepEqual(heard, [], '`identified` was called before there was a connection')
      let untold = false
      const answered = (): void => {
        if (heard.length === 0) untold = true
      }
      // While it connects, an operation may wait or fail.
      const reads = async (): Promise<void> => {
        if (!((await fetch(adapter, key('none'))) instanceof Error)) answered()
      }
      await Promise.all([settles(adapter.connect(), 'connect()').then(answered), ...Array.from({ length: 20 }, reads)])
      // An adapter whose connection nobody replaces may leave it at what connect() gives; but late is too late.
      if (untold) await new Promise((resolve) => setTimeout(resolve, 100))
      assert.ok(!untold || heard.length === 0, 'a reply came, or connect() settled, before `identified` was called')
      for (const { runId, role } of heard) assert.deepEqual([runId, role], [identity.runId, identity.role])
    },
  },
  {
    name: 'connect on a live connection answers again, and disturbs nobody',
    async run({ adapter, identity, key, value }) {
      const mine = value()
      await store(adapter, key('a'), mine)
      const connects = async (): Promise<void> => {
        const again = await settles(adapter.connect(), 'connect() on a live connection')
        assert.equal(again.runId, identity.runId, 'one server, one runId')
      }
      const reads = async (): Promise<void> => {
        assertBytes(await fetch(adapter, key('a')), mine, 'a read beside connect()')
      }
      for (let round = 0; round < 5; round++) await Promise.all([reads(), connects(), connects(), reads()])
    },
  },
]
