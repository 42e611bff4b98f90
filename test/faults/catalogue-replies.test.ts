import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import type { Lab } from '../lab/lab.ts'
import { startProxy } from '../lab/proxy.ts'
import { seeded } from '../lab/random.ts'
import { foreignGet } from '../support/fleet.ts'
import { startRedis, until } from '../support/servers.ts'
import { KINDS, nothingLeftBehind, reaches, readable, readTimes, row, type Kind } from './catalogue.ts'

nothingLeftBehind()

/** In the first reply to a GET, at its end, and in one that follows. A reply has 85 bytes on Redis, 106 on Memcached. */
const CUTS: Readonly<Record<Kind, readonly number[]>> = {
  redis: [1, 4, 5, 40, 84, 85, 100, 300],
  memcached: [1, 23, 24, 27, 60, 105, 106, 300],
}

/** What is to be there is there, also on a machine that is busy; nothing here waits for a deadline but half a reply. */
const PATIENT = { nodeTimeout: 500 }

for (const kind of KINDS) {
  for (const how of ['reset', 'fin'] as const) {
    row(
      `${how} in the middle of a reply, ${kind}, at bytes ${CUTS[kind].join(', ')}: the next reads are right`,
      { servers: CUTS[kind].map(() => kind), proxy: true, cache: PATIENT },
      async (lab) => {
        const keys = await filled(lab)
        CUTS[kind].forEach((at, i) => lab.proxies[i]!.fault({ kind: 'cut', how }, { at }))
        await readTimes(lab, keys, 200)
        expect(lab.proxies.map(({ counts }) => counts.struck.cut)).toEqual(CUTS[kind].map(() => 1))
        await afterwards(lab, keys)
      },
    )
  }

  row(
    `garbage and surplus replies, ${kind}: never a wrong value, and a new connection`,
    { servers: Array.from({ length: 8 }, () => kind), proxy: true, cache: PATIENT },
    async (lab) => {
      const keys = await filled(lab)
      const accepted = lab.proxies.map(({ counts }) => counts.accepted)
      const surplus = await garbage(lab, kind)
      surplus.forEach((bytes, i) => lab.proxies[i]!.fault({ kind: 'insert', bytes }, { at: i % 2 === 0 ? 0 : 85 }))
      await readTimes(lab, keys, 200)
      await until(() => lab.proxies.every(({ counts }, i) => counts.accepted > accepted[i]!), 'new connections')
      await afterwards(lab, keys)
    },
  )
}

it('control: a bare client reads other values when a reply is surplus', async () => {
  const server = await startRedis()
  const proxy = await startProxy(server.port)
  const client = new Redis(proxy.port, '127.0.0.1')
  try {
    // It finds out when a reply is left over in the end.
    client.on('error', () => {})
    const keys = Array.from({ length: 400 }, (_, i) => `key-${i}`)
    await Promise.all(keys.map((key) => client.set(key, key)))
    proxy.fault({ kind: 'insert', bytes: Buffer.from('$5\r\nhello\r\n') })
    const values = await Promise.all(keys.map((key) => client.get(key)))
    expect(values.filter((value, i) => value !== keys[i])).toHaveLength(400)
  } finally {
    client.disconnect()
    await proxy.stop()
    await server.stop()
  }
})

/** Eight keys on each node, written and read back. */
async function filled(lab: Lab): Promise<string[]> {
  const keys = lab.servers.flatMap((_, i) => lab.keysOf(i, 8))
  await readable(lab, keys)
  return keys
}

/** While circuits are open, what is read is right or a miss; once all are closed again, all of it is there. */
async function afterwards(lab: Lab, keys: readonly string[]): Promise<void> {
  await readTimes(lab, keys, 1_000)
  await Promise.all(lab.servers.map((_, i) => reaches(lab, 'closed', i)))
  await readable(lab, keys)
  expect(await readTimes(lab, keys, 1_000)).toBe(1_000)
}

/** What a server never said: other kinds of replies, other keys' replies, half a reply, bytes by chance. */
async function garbage(lab: Lab, kind: Kind): Promise<Buffer[]> {
  const random = seeded(7)
  const noise = Buffer.from(Array.from({ length: 64 }, () => Math.floor(random() * 256)))
  const [, , , key = ''] = lab.keysOf(3)
  const value = await foreignGet(lab.servers[3]!, lab.cache.explain(key).storedKey)
  if (kind === 'redis') {
    const reply = Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')])
    const words = ['+OK\r\n', '$-1\r\n', '-ERR no\r\n', ':1\r\n', '*2\r\n$1\r\na\r\n']
    return [...words.map((word) => Buffer.from(word)), reply, reply.subarray(0, 40), noise]
  }
  const header = (status: number, extras: number, body: number): Buffer => {
    const bytes = Buffer.alloc(24)
    bytes.writeUInt16BE(0x8100, 0)
    bytes.writeUInt8(extras, 4)
    bytes.writeUInt16BE(status, 6)
    bytes.writeUInt32BE(body, 8)
    return bytes
  }
  const reply = Buffer.concat([header(0, 4, value.length + 4), Buffer.alloc(4), value])
  const words = [Buffer.from('ERROR\r\n'), Buffer.from('END\r\n'), header(0, 0, 0), header(1, 0, 0), header(1, 0, 9)]
  return [...words, reply, reply.subarray(0, 40), noise]
}
