import assert from 'node:assert/strict'
import type { NodeIdentity } from '../../node/contract.ts'
import type { ServerControl } from './setup.ts'
import { TTL, assertNodeError, eventually, fetch, settles, store, type Draft } from './trial.ts'
import { assertAllFail, works } from './lifecycle.ts'

/** Cases about a server that is stopped or hangs. */
export const outageCases: readonly Draft[] = [
  {
    name: 'server down: operations and connect fail with NodeErrors; server back: the adapter works again',
    needs: 'server',
    async run({ setup, adapter, identity, open, key, value }) {
      const mine = value()
      await whileStopped(setup.server as ServerControl, async () => {
        await down(async () => fetch(adapter, key('a')))
        for (let round = 0; round < 3; round++) await assertAllFail(adapter, 'with the server down')
        const other = await open()
        await assert.rejects(settles(other.connect(), 'connect() with the server down'), (error) => {
          assertNodeError(error, 'connect() with the server down')
          assert.notEqual((error as { code?: unknown }).code, 'ERR_AUTH', 'a server that is down refuses nobody')
          return true
        })
      })
      await eventually(async () => {
        const [outcome] = await adapter.write([{ key: key('b'), value: mine, ttl: TTL }])
        return outcome === 'stored'
      }, 'writes that work again')
      await works(adapter, key('b'), mine)
      const after = await settles(adapter.connect(), 'connect() after the restart')
      assert.notEqual(after.runId, identity.runId, 'a restart changes the runId')
    },
  },
  {
    name: 'server restarted: who answers is told before its first reply',
    needs: 'server',
    async run({ setup, identity, open, key }) {
      const heard: NodeIdentity[] = []
      const adapter = await open((told) => heard.push(told))
      await settles(adapter.connect(), 'connect()')
      await whileStopped(setup.server as ServerControl, () => down(() => fetch(adapter, key('a'))))
      const answered = async (): Promise<boolean> => {
        const outcome = await fetch(adapter, key('a'))
        if (outcome instanceof Error) return false
        const last = heard.at(-1)
        assert.notEqual(last?.runId, identity.runId, 'a restarted server answered before `identified` was told of it')
        return true
      }
      await eventually(
        async () => (await Promise.all(Array.from({ length: 20 }, answered))).includes(true),
        'reads that work again',
      )
      assert.equal(heard.at(-1)?.runId, (await settles(adapter.connect(), 'connect()')).runId, 'the runId told')
    },
  },
  {
    name: 'what failed while the server was down is not sent later',
    needs: 'server',
    async run({ setup, adapter, key, value }) {
      const ghosts = Array.from({ length: 20 }, (_, index) => key(`ghost-${index}`))
      await whileStopped(setup.server as ServerControl, async () => {
        await down(async () => fetch(adapter, ghosts[0] as string))
        for (const ghost of ghosts) {
          const [outcome] = await settles(adapter.write([{ key: ghost, value: value(), ttl: TTL }]), 'write()')
          assertNodeError(outcome, 'a write with the server down')
        }
      })
      await eventually(async () => (await fetch(adapter, key('other'))) === undefined, 'reads that work again')
      const outcomes = await settles(adapter.read(ghosts), 'read()')
      assert.deepEqual(
        outcomes,
        ghosts.map(() => undefined),
        'a write that failed was sent after all',
      )
    },
  },
  {
    name: 'what is under way when the server stops settles',
    needs: 'server',
    async run({ setup, adapter, key, value }) {
      const server = setup.server as ServerControl
      await store(adapter, key('a'), value())
      const work = Array.from({ length: 100 }, () => adapter.read([key('a')]))
      await whileStopped(server, async () => {
        const outcomes = await settles(Promise.all(work), 'reads under way when the server stopped')
        for (const outcome of outcomes) assert.equal(outcome.length, 1)
      })
    },
  },
  {
    name: 'close settles with the server down',
    needs: 'server',
    async run({ setup, adapter, key }) {
      await whileStopped(setup.server as ServerControl, async () => {
        await down(async () => fetch(adapter, key('a')))
        await settles(adapter.close(), 'close() with the server down')
      })
    },
  },
  {
    name: 'server hung: reset and close settle what is under way',
    needs: 'hang',
    async run({ setup, adapter, open, key, value }) {
      const server = setup.server as Required<ServerControl>
      const other = await open()
      await settles(other.connect(), 'connect()')
      const mine = value()
      await store(adapter, key('a'), mine)
      await server.pause()
      try {
        const work = Array.from({ length: 50 }, () => adapter.read([key('a')]))
        adapter.reset()
        await settles(Promise.all(work), 'reads of a hung server during reset()')
        const others = Array.from({ length: 50 }, () => other.read([key('a')]))
        await settles(other.close(), 'close() with the server hung')
        await settles(Promise.all(others), 'reads of a hung server during close()')
      } finally {
        await server.resume()
      }
      await works(adapter, key('a'), mine)
    },
  },
  {
    name: 'server hung: a write that reset gave up does not come later',
    needs: 'hang',
    async run({ setup, adapter, key, value }) {
      const server = setup.server as Required<ServerControl>
      const ghosts = Array.from({ length: 20 }, (_, index) => key(`ghost-${index}`))
      const mine = value()
      await store(adapter, key('a'), mine)
      await server.pause()
      try {
        const work = ghosts.map((ghost) => adapter.write([{ key: ghost, value: mine, ttl: TTL }]))
        adapter.reset()
        for (const [outcome] of await settles(Promise.all(work), 'writes to a hung server during reset()')) {
          if (outcome !== 'stored') assertNodeError(outcome, 'a write to a hung server during reset()', mine)
        }
      } finally {
        await server.resume()
      }
      await works(adapter, key('a'), mine)
      // What had reached the server by then it may do as soon as it goes on: that is removed. Nothing may come after that.
      await eventually(async () => {
        const outcomes = await adapter.remove(ghosts)
        return outcomes.every((outcome) => outcome === 'absent')
      }, 'removals that find nothing')
      const end = performance.now() + GHOST_WATCH
      do {
        const outcomes = await settles(adapter.read(ghosts), 'read()')
        for (const outcome of outcomes) {
          if (!(outcome instanceof Error)) assert.equal(outcome, undefined, 'a write that was given up came later')
        }
      } while (performance.now() < end)
    },
  },
]

/** For how long a write that was given up is watched for, in milliseconds. */
const GHOST_WATCH = 300

async function whileStopped(server: ServerControl, run: () => Promise<void>): Promise<void> {
  await server.stop()
  try {
    await run()
  } finally {
    await server.start()
  }
}

/** The end of a connection is noticed a moment after the end of the server. */
async function down(attempt: () => Promise<unknown>): Promise<void> {
  await eventually(async () => (await attempt()) instanceof Error, 'reads that fail with the server down')
}
