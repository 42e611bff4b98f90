import { expect } from 'vitest'
import { foreignGet, keysOn } from '../support/fleet.ts'
import { redisText, until, type TestServer } from '../support/servers.ts'
import { KINDS, nothingLeftBehind, plant, readable, readTimes, row, watchCircuits } from './catalogue.ts'

nothingLeftBehind()

/** Nothing here waits for a deadline; a machine that is busy must not look like a node that fails. */
const PATIENT = { nodeTimeout: 1_000 }

/** The bytes of the header that a server-side script changes in place: no check covers them, and no value hangs on them. */
const UNCOVERED = { from: 32, to: 56 }

for (const kind of KINDS) {
  row(
    `corrupt payload, ${kind}, at every byte: a miss and a delete, and nothing is thrown`,
    { servers: [kind], cache: PATIENT },
    async (lab) => {
      const server = lab.servers[0]!
      const [whole = '', ...others] = lab.keysOf(0, 80)
      const circuits = watchCircuits(lab)
      await Promise.all([whole, ...others].map((key) => lab.watch.set(key)))
      const stored = (key: string): string => lab.cache.explain(key).storedKey
      const [damaged, harmless]: string[][] = [[], []]
      for (const [at, key] of others.entries()) {
        const bytes = await foreignGet(server, stored(key))
        if (at >= bytes.length) break
        bytes[at]! ^= 0xff
        await plant(server, stored(key), bytes)
        const covered = at < UNCOVERED.from || at >= UNCOVERED.to
        ;(covered ? damaged : harmless)!.push(key)
      }
      const found = await lab.watch.getMany([...damaged!, ...harmless!, whole])
      expect([...found!.keys()].filter((key) => damaged!.includes(key))).toEqual([])
      expect(found!.get(whole)).toEqual(lab.watch.truth.value(whole))
      for (const key of damaged!) expect(await lab.watch.get(key)).toBeUndefined()
      const gone = (key: string): Promise<boolean> =>
        foreignGet(server, stored(key)).then(
          () => false,
          () => true,
        )
      for (const key of damaged!) await until(() => gone(key), `${key} to be removed`)
      expect(lab.cache.stats().dropped.corrupt).toBeGreaterThanOrEqual(damaged!.length)
      expect(circuits).toEqual([])
      await readable(lab, damaged!)
      return `${damaged!.length} entries damaged, ${harmless!.length} changed where it is harmless`
    },
  )

  row(
    `misfiled, ${kind}: another key's value is a miss and is removed; it costs one connection, once`,
    { servers: [kind], proxy: true, cache: PATIENT },
    async (lab) => {
      const [server, proxy] = [lab.servers[0]!, lab.proxies[0]!]
      const keys = lab.keysOf(0, 6)
      const [good = '', ...rest] = keys
      const misfileAll = async (): Promise<void> => {
        const bytes = await foreignGet(server, lab.cache.explain(good).storedKey)
        await Promise.all(rest.map((key) => plant(server, lab.cache.explain(key).storedKey, bytes)))
      }
      const removed = (): Promise<void> => until(async () => (await keysOn(server)) === 1, 'what is misfiled to go')
      await readable(lab, keys)
      const { accepted } = proxy.counts
      await misfileAll()
      expect(await lab.watch.getMany(keys)).toEqual(new Map([[good, lab.watch.truth.value(good)]]))
      await removed()
      expect(proxy.counts.accepted).toBe(accepted + 1)
      // It was the server that held such things: for a while its connections are believed.
      await misfileAll()
      expect(await lab.watch.get(rest[0]!)).toBeUndefined()
      await readTimes(lab, rest, 100)
      await removed()
      expect(proxy.counts.accepted).toBe(accepted + 1)
      expect(lab.cache.stats().dropped['wrong-key']).toBeGreaterThanOrEqual(2 * rest.length)
      await readable(lab, keys)
    },
  )
}

row('misfiled, redis: COPY, RENAME', { servers: ['redis'], cache: PATIENT }, async (lab) => {
  const server: TestServer = lab.servers[0]!
  const [copied = '', renamed = '', to = '', other = ''] = lab.keysOf(0)
  await readable(lab, [copied, renamed, to, other])
  await redisText(server.port, `COPY ${copied} ${other} REPLACE\r\nRENAME ${renamed} ${to}`)
  expect(await lab.watch.getMany([renamed, to, other, copied])).toEqual(
    new Map([[copied, lab.watch.truth.value(copied)]]),
  )
  await until(async () => (await keysOn(server)) === 1, 'what is misfiled to go')
  await readable(lab, [copied, renamed, to, other])
})
