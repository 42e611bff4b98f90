import assert from 'node:assert/strict'
import { MAX_DURATION } from '../../base/duration.ts'
import type { NodeAdapter } from '../../node/contract.ts'
import { assertBytes, eventually, fetch, settles, store, type Draft } from './trial.ts'

const DAY = 86_400_000

/** Cases about time to live. */
export const ttlCases: readonly Draft[] = [
  {
    name: 'an entry lives for its TTL, give or take one step of the server, and is then gone',
    async run({ adapter, key, value }) {
      const { ttlStep } = adapter.limits
      assert.ok(ttlStep >= 1 && Number.isInteger(ttlStep), 'limits.ttlStep must be a whole number of milliseconds')
      const ttl = Math.max(300, 2 * ttlStep)
      // A stalled machine may read too seldom to tell; then the trial is repeated.
      let life: Life = 'unclear'
      for (let round = 0; round < 10 && life === 'unclear'; round++)
        life = await watch(adapter, key(`passing-${round}`), value(), ttl)
      assert.equal(life, 'long enough', `an entry with a TTL of ${ttl} ms did not live for it`)
    },
  },
  {
    name: 'a TTL of 1 ms is stored, and does not last for ever',
    async run({ adapter, key, value }) {
      await store(adapter, key('short'), value(), 1)
      await eventually(
        async () => (await fetch(adapter, key('short'))) === undefined,
        'the end of an entry with a TTL of 1 ms',
        2 * adapter.limits.ttlStep + 3_000,
      )
    },
  },
  {
    name: 'a TTL just below and just above one step of the server is not "at once" and not "for ever"',
    async run({ adapter, key, value }) {
      const { ttlStep } = adapter.limits
      const ttls = [Math.max(1, ttlStep - 1), ttlStep + 1]
      for (const ttl of ttls) await store(adapter, key(`${ttl}`), value(), ttl)
      for (const ttl of ttls) {
        await eventually(
          async () => (await fetch(adapter, key(`${ttl}`))) === undefined,
          `the end of an entry with a TTL of ${ttl} ms`,
          ttl + 2 * ttlStep + 3_000,
        )
      }
    },
  },
  {
    name: 'a second write brings its own TTL',
    async run({ adapter, key, value }) {
      const mine = value()
      await store(adapter, key('longer'), value(), 1)
      await store(adapter, key('longer'), mine)
      await store(adapter, key('witness'), value(), 1)
      await eventually(
        async () => (await fetch(adapter, key('witness'))) === undefined,
        'the end of an entry with a TTL of 1 ms',
        2 * adapter.limits.ttlStep + 3_000,
      )
      assertBytes(await fetch(adapter, key('longer')), mine, 'the entry that was written with a longer TTL')
    },
  },
  {
    name: 'TTLs of 30 days, 40 days and a hundred years are not an instant miss',
    async run({ adapter, key, value }) {
      for (const ttl of [30 * DAY, 30 * DAY + 1, 40 * DAY, MAX_DURATION]) {
        const mine = value()
        await store(adapter, key(`${ttl}`), mine, ttl)
        assertBytes(await fetch(adapter, key(`${ttl}`)), mine, `an entry with a TTL of ${ttl / DAY} days`)
        assert.deepEqual(await settles(adapter.remove([key(`${ttl}`)]), 'remove()'), ['deleted'])
      }
    },
  },
]

type Life = 'long enough' | 'too short' | 'unclear'

/** Writes an entry and reads it until it is gone. How long it lived is clear when there was a read at the right time. */
async function watch(adapter: NodeAdapter, key: string, value: Uint8Array, ttl: number): Promise<Life> {
  const { ttlStep } = adapter.limits
  // Servers count with a clock that they read now and then; half of the least life is left to them.
  const least = (ttl - ttlStep) / 2
  let life: Life = 'unclear'
  // Its life began somewhere between these two.
  const before = performance.now()
  await store(adapter, key, value, ttl)
  const after = performance.now()
  await eventually(
    async () => {
      const begun = performance.now()
      const outcome = await fetch(adapter, key)
      if (outcome === undefined) {
        if (performance.now() - before < least) life = 'too short'
        return true
      }
      assertBytes(outcome, value, 'an entry that still lives')
      if (begun - after >= least) life = 'long enough'
      return false
    },
    `the end of an entry with a TTL of ${ttl} ms`,
    ttl + 2 * ttlStep + 3_000,
  )
  assert.deepEqual(await settles(adapter.remove([key]), 'remove()'), ['absent'])
  return life
}
