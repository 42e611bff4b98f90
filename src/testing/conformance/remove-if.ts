import assert from 'node:assert/strict'
import type { NodeAdapter } from '../../node/contract.ts'
import { assertBytes, assertNodeError, fetch, settles, store, type Draft } from './trial.ts'

/** Cases about the power `removeIf`. An adapter that lacks it passes them. */
export const removeIfCases: readonly Draft[] = [
  {
    name: 'removeIf, where there is one, removes a key that holds these bytes',
    needs: 'removeIf',
    async run({ adapter, key, value }) {
      if (!adapter.powers.removeIf) return
      const [mine, neighbour] = [value(), value()]
      await store(adapter, key('a'), mine)
      await store(adapter, key('b'), neighbour)
      assert.equal(await removeIf(adapter, key('a'), mine), true, 'removeIf() of a key that holds these bytes')
      assert.equal(await fetch(adapter, key('a')), undefined, 'the key that removeIf() removed')
      assertBytes(await fetch(adapter, key('b')), neighbour, 'the neighbour')
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
      for (const each of [bytes, new Uint8Array(0)]) {
        await store(adapter, key('c'), each)
        assert.equal(await removeIf(adapter, key('c'), each), true, `removeIf() of ${each.length} bytes`)
      }
    },
  },
  {
    name: 'removeIf, where there is one, keeps a key that holds other bytes',
    needs: 'removeIf',
    async run({ adapter, key, value }) {
      if (!adapter.powers.removeIf) return
      const mine = value()
      await store(adapter, key('a'), mine)
      const others = [value(), mine.subarray(1), mine.subarray(0, -1), Buffer.concat([mine, mine]), Buffer.alloc(0)]
      for (const other of others) {
        assert.equal(await removeIf(adapter, key('a'), other), false, 'removeIf() of a key that holds other bytes')
        assertBytes(await fetch(adapter, key('a')), mine, 'the key that removeIf() must keep')
      }
    },
  },
  {
    name: 'removeIf, where there is one, finds nothing where there is nothing',
    needs: 'removeIf',
    async run({ adapter, key, value }) {
      if (!adapter.powers.removeIf) return
      for (const each of [value(), Buffer.alloc(0)]) {
        assert.equal(await removeIf(adapter, key('none'), each), false, 'removeIf() of a key that is not there')
      }
    },
  },
  {
    name: 'removeIf, where there is one, does not remove what is written meanwhile',
    needs: 'removeIf',
    async run({ adapter, open, key, value }) {
      if (!adapter.powers.removeIf) return
      const other = await open()
      await settles(other.connect(), 'connect()')
      const [before, after] = [value(), value()]
      for (let round = 0; round < 50; round++) {
        await store(adapter, key('raced'), before)
        await Promise.all([removeIf(adapter, key('raced'), before), store(other, key('raced'), after)])
        assertBytes(await fetch(adapter, key('raced')), after, 'what was written during a removeIf() of other bytes')
      }
    },
  },
  {
    name: 'removeIf, where there is one, rejects with a NodeError after close',
    needs: 'removeIf',
    async run({ adapter, key, value }) {
      if (!adapter.powers.removeIf) return
      const mine = value()
      await settles(adapter.close(), 'close()')
      await assert.rejects(removeIf(adapter, key('a'), mine), (error) => {
        assertNodeError(error, 'removeIf() after close()', mine)
        return true
      })
    },
  },
]

function removeIf(adapter: NodeAdapter, key: string, value: Uint8Array): Promise<boolean> {
  assert.ok(adapter.powers.removeIf)
  return settles(adapter.powers.removeIf(key, value), 'removeIf()')
}
