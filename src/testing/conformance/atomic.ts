import assert from 'node:assert/strict'
import { assertVersion, Leasing, LONG, newToken } from './leases.ts'
import {
  assertAllNodeErrors,
  assertBytes,
  eventually,
  fetch,
  settles,
  store,
  TTL,
  type Draft,
  type Trial,
} from './trial.ts'

/** A lease that a case waits the end of. */
const SHORT = 30

/** A case about leases. An adapter that has none passes it. */
function draft(name: string, run: (trial: Trial) => Promise<void>): Draft {
  return {
    name: `atomic, where there is one: ${name}`,
    needs: 'atomic',
    run: async (trial) => {
      if (trial.adapter.powers.atomic) await run(trial)
    },
  }
}

/** Cases about the power `atomic`. */
export const atomicCases: readonly Draft[] = [
  draft('a key that holds nothing is leased once, and its placeholder is what others find', async (trial) => {
    const one = new Leasing(trial, 'a')
    const other = await one.elsewhere()
    const token = newToken()
    assert.equal(await one.lease(token), 'won')
    assert.equal((await one.look())?.header.kind, 'lease', 'what a lease leaves on a key that held nothing')
    for (const seen of [undefined, newToken(), token]) {
      assertVersion(await other.lease(newToken(), seen), token, 'a lease on a key with a placeholder')
    }
    assert.equal(await one.lease(token), 'won', 'a lease that is asked for again with its token')
    assert.equal(await one.fill(token, trial.value()), 'done')
  }),
  draft('a fill with the token stores the entry with its TTL; without it stores nothing', async (trial) => {
    const leasing = new Leasing(trial, 'a')
    const token = newToken()
    await leasing.lost(token, 'of a key that holds nothing')
    assert.equal(await leasing.look(), undefined, 'a key that holds nothing after a fill that lost')
    assert.equal(await leasing.lease(token, undefined, LONG), 'won')
    await leasing.lost(newToken(), 'with another token than the lease has')
    const mine = trial.value()
    assert.equal(await leasing.fill(token, mine), 'done')
    await leasing.holds(mine, 'what was filled')
    await leasing.lost(token, 'after the fill')
    await leasing.holds(mine, 'what was filled')
    const again = newToken()
    assert.equal(await leasing.lease(again, 'any'), 'won')
    assert.equal(await leasing.fill(again, trial.value(), 1), 'done')
    await gone(leasing, 'the end of an entry that was filled with a TTL of 1 ms')
  }),
  draft('an entry that is leased stays as it is for readers, and only one has the lease', async (trial) => {
    const one = new Leasing(trial, 'a')
    const other = await one.elsewhere()
    const mine = trial.value()
    const [version, token] = [await one.entry(mine), newToken()]
    assertVersion(await one.lease(newToken()), version, 'a lease for a key that was empty, and is not')
    assertVersion(await one.lease(newToken(), newToken()), version, 'a lease for another version than is there')
    const before = await one.holds(mine, 'an entry that nobody has leased')
    assert.equal(await one.lease(token, version), 'won')
    const header = await one.holds(mine, 'an entry under a lease')
    assertBytes(header.version, token, 'its version')
    assert.deepEqual({ ...header, version, leaseUntil: 0 }, { ...before, version, leaseUntil: 0 }, 'its other fields')
    assert.ok(header.leaseUntil > header.writtenAt + LONG / 2, 'its lease-until')
    for (const seen of [version, token]) assert.equal(await other.lease(newToken(), seen), 'held')
    assert.equal(await one.lease(token, version), 'won', 'a lease that is asked for again with its token')
    const next = trial.value()
    assert.equal(await one.fill(token, next), 'done')
    await other.holds(next, 'what was filled over the entry')
  }),
  draft(
    'the TTL of an entry goes on as it was when it is leased, renewed, released or made out of date',
    async (trial) => {
      const watch = async (name: 'lease' | 'renew' | 'release' | 'expire'): Promise<void> => {
        const leasing = new Leasing(trial, name)
        const { ttlStep } = trial.adapter.limits
        const version = await leasing.entry(trial.value(), Math.max(600, 2 * ttlStep))
        const token = newToken()
        // On a machine that stalls for so long there is nothing to see.
        if ((await leasing.lease(token, version)) === 'won' && name !== 'lease') {
          if (name === 'expire') await leasing.expire(Date.now(), newToken())
          else await leasing[name](token, LONG)
        }
        await gone(leasing, `the end of an entry after ${name}()`)
      }
      await Promise.all([watch('lease'), watch('renew'), watch('release'), watch('expire')])
    },
  ),
  draft('a delete or a write voids a lease, and nothing is written under it later', async (trial) => {
    for (const there of [false, true]) {
      const leasing = new Leasing(trial, `voided-${there}`)
      const take = async (): Promise<Buffer> => {
        const token = newToken()
        const seen = there ? await leasing.entry(trial.value()) : undefined
        assert.equal(await leasing.lease(token, seen), 'won')
        return token
      }
      const removed = await take()
      await leasing.remove()
      await leasing.lost(removed, 'after a delete')
      assert.equal(await leasing.look(), undefined, 'a key that was deleted under a lease')
      const overwritten = await take()
      const mine = trial.value()
      await leasing.entry(mine)
      await leasing.lost(overwritten, 'after a write')
      await leasing.holds(mine, 'what was written under a lease')
      await leasing.remove()
    }
  }),
  draft('a lease ends by itself, and another one voids it', async (trial) => {
    for (const there of [false, true]) {
      const leasing = new Leasing(trial, `ended-${there}`)
      const mine = trial.value()
      const [first, second] = [newToken(), newToken()]
      const seen = there ? await leasing.entry(mine) : undefined
      assert.equal(await leasing.lease(first, seen, SHORT), 'won')
      const taken = async (): Promise<boolean> => (await leasing.lease(second, there ? first : undefined)) === 'won'
      await eventually(taken, 'a lease after the end of another')
      if (there) await leasing.holds(mine, 'an entry whose lease ended')
      await leasing.lost(first, 'after its lease ended and another one began')
      assert.equal(await leasing.fill(second, trial.value()), 'done')
    }
  }),
  draft('a lease that is renewed goes on', async (trial) => {
    for (const there of [false, true]) {
      const leasing = new Leasing(trial, `renewed-${there}`)
      const witness = new Leasing(trial, `witness-${there}`)
      const token = newToken()
      const seen = there ? await leasing.entry(trial.value()) : undefined
      assert.equal(await leasing.lease(token, seen, 500), 'won')
      // On a machine that stalls for so long there is nothing to see.
      if ((await leasing.renew(token, LONG)) === 'lost') continue
      assert.equal(await witness.lease(newToken(), undefined, 500), 'won')
      await gone(witness, 'the end of a placeholder')
      const outcome = await leasing.lease(newToken(), there ? token : undefined)
      if (there) assert.equal(outcome, 'held', 'a lease beside one that was renewed')
      else assertVersion(outcome, token, 'a lease beside one that was renewed')
      assert.equal(await leasing.fill(token, trial.value()), 'done')
    }
  }),
  draft('a lease that is given back is free for others', async (trial) => {
    const absent = new Leasing(trial, 'absent')
    const [first, second, third] = [newToken(), newToken(), newToken()]
    assert.equal(await absent.lease(first), 'won')
    assert.equal(await absent.release(first), 'done')
    assert.equal(await absent.look(), undefined, 'a placeholder that was given back')
    const present = new Leasing(trial, 'present')
    const mine = trial.value()
    const seen = await present.entry(mine)
    assert.equal(await present.lease(second, seen), 'won')
    assert.equal(await present.release(second), 'done')
    const header = await present.holds(mine, 'an entry whose lease was given back')
    assert.equal(header.leaseUntil, 0, 'its lease-until')
    assert.equal(await present.lease(third, header.version), 'won')
    await present.lost(second, 'after it was given back and another one began')
  }),
  draft('with any, a lease is taken over from whoever has it', async (trial) => {
    const absent = new Leasing(trial, 'absent')
    const [first, second, third] = [newToken(), newToken(), newToken()]
    assert.equal(await absent.lease(first, 'any'), 'won')
    assert.equal(await absent.lease(second, 'any'), 'won')
    await absent.lost(first, 'after its lease was taken over')
    assert.equal((await absent.look())?.header.kind, 'lease')
    const mine = trial.value()
    assert.equal(await absent.fill(second, mine), 'done')
    assert.equal(await absent.lease(third, 'any'), 'won')
    assert.equal(await absent.lease(first, 'any'), 'won', 'any of an entry under a lease')
    await absent.lost(third, 'after its lease was taken over')
    await absent.holds(mine, 'an entry whose lease was taken over')
    assert.equal(await absent.fill(first, trial.value()), 'done')
  }),
  draft('what is no envelope is given back, and replaced only with any', async (trial) => {
    for (const [name, foreign] of [
      ['short', trial.value()],
      ['empty', Buffer.alloc(0)],
      ['long', Buffer.alloc(200, trial.value())],
    ] as const) {
      const leasing = new Leasing(trial, name)
      const token = newToken()
      await store(trial.adapter, leasing.key, foreign)
      for (const seen of [undefined, newToken()]) {
        assertBytes((await leasing.lease(newToken(), seen)) as unknown, foreign, `a lease on ${name} bytes`)
      }
      await leasing.lost(newToken(), `on ${name} bytes`)
      assertBytes(await fetch(trial.adapter, leasing.key), foreign, `${name} bytes after all that`)
      assert.equal(await leasing.lease(token, 'any'), 'won', `a lease with any on ${name} bytes`)
      assert.equal(await leasing.fill(token, trial.value()), 'done')
    }
  }),
  draft('expire makes an entry out of date, voids its lease, and removes placeholders', async (trial) => {
    const leasing = new Leasing(trial, 'a')
    const [token, version] = [newToken(), newToken()]
    assert.equal(await leasing.expire(Date.now(), version), 'absent')
    assert.equal(await leasing.lease(token), 'won')
    assert.equal(await leasing.expire(Date.now(), version), 'deleted')
    await leasing.lost(token, 'after expire()')
    const mine = trial.value()
    const seen = await leasing.entry(mine)
    assert.equal(await leasing.lease(token, seen), 'won')
    const now = Date.now() - 5
    assert.equal(await leasing.expire(now, version), 'expired')
    await leasing.lost(token, 'after expire()')
    const header = await leasing.holds(mine, 'an entry that is out of date')
    assert.deepEqual([header.freshUntil, header.leaseUntil], [now, 0], 'its fresh-until and lease-until')
    assertBytes(header.version, version, 'its version')
    assert.equal(await leasing.expire(now + LONG, newToken()), 'expired')
    assert.equal((await leasing.holds(mine, 'an entry')).freshUntil, now, 'fresh-until must never become later')
    await store(trial.adapter, leasing.key, trial.value())
    assert.equal(await leasing.expire(now, version), 'deleted', 'expire() of what is no envelope')
  }),
  draft('many keys have an outcome each, in order, duplicates included', async (trial) => {
    const all = Array.from({ length: 300 }, (_, index) => ({
      leasing: new Leasing(trial, `${index}`),
      token: newToken(),
    }))
    const [first] = all as [(typeof all)[number]]
    for (const { leasing } of all.slice(0, 100)) await leasing.entry(trial.value())
    const twice = [...all, first]
    const { atomic } = first.leasing
    const requests = await Promise.all(twice.map(({ leasing, token }) => leasing.request(token, undefined, LONG)))
    const outcomes = await settles(atomic.lease(requests), 'lease()')
    const kinds = outcomes.map((outcome) => (outcome instanceof Uint8Array ? 'bytes' : outcome))
    const expected = twice.map((_, index) => (index < 100 || index === 300 ? 'bytes' : 'won'))
    assert.deepEqual(kinds, expected)
    const value = await first.leasing.envelope('value', {}, trial.value())
    const fills = twice.map(({ leasing: { key }, token }) => ({ key, token, value, ttl: TTL }))
    const filled = expected.map((each) => (each === 'won' ? 'done' : 'lost'))
    assert.deepEqual(await settles(atomic.renew(fills.map((fill) => ({ ...fill, ms: LONG }))), 'renew()'), filled)
    assert.deepEqual(await settles(atomic.fill(fills), 'fill()'), filled)
    const expires = twice.map(({ leasing: { key } }) => ({ key, now: Date.now(), version: newToken() }))
    const expired = await settles(atomic.expire(expires), 'expire()')
    assert.deepEqual(new Set(expired), new Set(['expired']))
    assert.equal(expired.length, 301)
    assert.deepEqual(await settles(atomic.release([]), 'release()'), [])
  }),
  draft('of many who want one lease at once, one wins', async (trial) => {
    for (const there of [false, true]) {
      const one = new Leasing(trial, `raced-${there}`)
      const seen = there ? await one.entry(trial.value()) : undefined
      const connections = [one, await one.elsewhere(), await one.elsewhere(), await one.elsewhere()]
      const wants = Array.from({ length: 200 }, (_, index) => connections[index % 4] as Leasing)
      const outcomes = await Promise.all(wants.map((leasing) => leasing.lease(newToken(), seen)))
      assert.equal(outcomes.filter((outcome) => outcome === 'won').length, 1, 'how many of 200 have won')
    }
  }),
  draft('a fill never overtakes a delete', async (trial) => {
    const leasing = new Leasing(trial, 'raced')
    const other = await leasing.elsewhere()
    for (let round = 0; round < 50; round++) {
      const token = newToken()
      assert.equal(await leasing.lease(token), 'won')
      const value = await leasing.envelope('value', {}, trial.value())
      const fill = leasing.atomic.fill([{ key: leasing.key, token, value, ttl: TTL }])
      await Promise.all([settles(fill, 'fill()'), other.remove()])
      assert.equal(await leasing.look(), undefined, 'a key that was deleted during a fill')
    }
  }),
  draft('after close, every outcome is a NodeError', async (trial) => {
    const leasing = new Leasing(trial, 'a')
    const { atomic, key } = leasing
    const [token, secret] = [newToken(), trial.value()]
    const placed = await leasing.request(token, undefined, LONG)
    await settles(trial.adapter.close(), 'close()')
    for (const asked of [
      atomic.lease([placed, placed]),
      atomic.renew([placed, placed]),
      atomic.fill([
        { key, token, value: secret, ttl: TTL },
        { key, token, value: secret, ttl: TTL },
      ]),
      atomic.release([placed, placed]),
      atomic.expire([
        { key, now: 0, version: token },
        { key, now: 0, version: token },
      ]),
    ]) {
      assertAllNodeErrors(await settles<readonly unknown[]>(asked, 'a call after close()'), 2, 'after close()', secret)
    }
  }),
]

async function gone(leasing: Leasing, what: string): Promise<void> {
  await eventually(async () => (await leasing.look()) === undefined, what)
}
