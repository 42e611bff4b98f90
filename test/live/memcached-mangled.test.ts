import { Client } from 'memjs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { memcachedNode } from '../../src/memcached/index.ts'
import type { NodeAdapter, ReadOutcome } from '../../src/node/contract.ts'
import { bareContext } from '../support/context.ts'
import { startMangler, type Fault, type Mangler } from '../memcached/mangler.ts'
import { startMemcached, until, type TestServer } from '../support/servers.ts'

const KEYS = ['ka', 'kb', 'none', 'kc']
const VALUES: Readonly<Record<string, Buffer>> = {
  ka: Buffer.from('the value of a, which is longer'),
  kb: Buffer.from('the value of b'),
  // Bytes that look like the beginning of a reply.
  kc: Buffer.from('810c00020400000000000000810c0002', 'hex'),
}
let server: TestServer
let mangler: Mangler
let adapter: NodeAdapter
let replyLength = 0

beforeAll(async () => {
  server = await startMemcached()
  mangler = await startMangler(server.port)
  adapter = memcachedNode(`memcached://127.0.0.1:${mangler.port}`).primary.open(bareContext)
  await adapter.connect()
  await adapter.write(Object.entries(VALUES).map(([key, value]) => ({ key, value, ttl: 3_600_000 })))
  mangler.watch()
  await adapter.read(KEYS)
  replyLength = mangler.passed
})
afterAll(async () => {
  await adapter?.close()
  await mangler?.stop()
  await server?.stop()
})

/** Where in the replies to `KEYS` the values stand, whose bytes nothing at this level vouches for. */
function insideValue(at: number): boolean {
  let start = 0
  for (const key of KEYS) {
    const value = VALUES[key]
    const begin = start + 24 + (value ? 4 : 0) + key.length
    const end = begin + (value?.length ?? 0)
    if (at >= begin && at < end) return true
    start = end
  }
  return false
}

/** Reads with a fault; the deadline that a guard would keep is kept here. */
async function readWith(fault: Fault): Promise<ReadOutcome[]> {
  const applied = mangler.arm(fault)
  const reading = adapter.read(KEYS)
  await applied
  const deadline = setTimeout(() => adapter.reset(), fault.kind === 'stall' ? 0 : 40)
  return reading.finally(() => clearTimeout(deadline))
}

function check(outcomes: readonly ReadOutcome[], what: string): void {
  expect(outcomes).toHaveLength(KEYS.length)
  for (const [index, key] of KEYS.entries()) {
    const outcome = outcomes[index]
    if (outcome instanceof Uint8Array) expect([what, key, outcome]).toEqual([what, key, VALUES[key]])
    else if (outcome !== undefined) expect([what, outcome.name]).toEqual([what, 'NodeError'])
  }
}

async function everywhere(
  fault: (at: number) => Fault,
  applies: (at: number) => boolean = () => true,
): Promise<number> {
  let errors = 0
  for (let at = 0; at < replyLength; at++) {
    if (!applies(at)) continue
    const what = `${fault(at).kind} at ${at}`
    const outcomes = await readWith(fault(at))
    check(outcomes, what)
    if (outcomes.some((outcome) => outcome instanceof Error)) errors++
    // What is left over of a reply that was right is found at the next one at the latest.
    let next = await adapter.read(KEYS)
    check(next, `the read after ${what}`)
    if (next.some((outcome) => outcome instanceof Error)) next = await adapter.read(KEYS)
    expect([what, next]).toEqual([what, KEYS.map((key) => VALUES[key])])
  }
  return errors
}

describe('a reply that is damaged, at every byte', () => {
  it('knows where the values are', () => {
    expect(replyLength).toBe(24 * 5 + 4 * 3 + KEYS.join('').length + Buffer.concat(Object.values(VALUES)).length)
  })

  it.each(['close', 'reset', 'stall'] as const)(
    '%s: settles, no wrong value, and the next read is right',
    async (kind) => {
      expect(await everywhere((at) => ({ kind, at }))).toBe(replyLength)
    },
  )

  it.each(['00', '81', '0a'])('a byte 0x%s too many: no wrong value, and the next read is right', async (byte) => {
    const errors = await everywhere((at) => ({ kind: 'insert', at, bytes: Buffer.from(byte, 'hex') }))
    expect(errors).toBeGreaterThan(replyLength * 0.9)
  })

  it('a byte too few: no wrong value, and the next read is right', async () => {
    expect(await everywhere((at) => ({ kind: 'drop', at }))).toBeGreaterThan(replyLength * 0.9)
  })

  it.each(['01', '02', '80'])('a byte changed by 0x%s outside the values: no wrong value', async (mask) => {
    await everywhere(
      (at) => ({ kind: 'flip', at, mask: Number.parseInt(mask, 16) }),
      (at) => !insideValue(at),
    )
  })

  it.each([0, 1, 15, 28])('a reply to something else (byte %i changed) fails all of its read', async (at) => {
    await until(async () => (await adapter.read(['ka']))[0] instanceof Uint8Array)
    const outcomes = await readWith({ kind: 'flip', at, mask: 0x01 })
    expect(outcomes).toMatchObject(KEYS.map(() => ({ code: 'ERR_NODE_DOWN' })))
  })

  it('byte by byte: slow, but right', async () => {
    for (let at = 0; at < replyLength; at += 7) {
      expect(await readWith({ kind: 'split', at })).toEqual(KEYS.map((key) => VALUES[key]))
    }
  })

  it('a surplus reply costs the connection, not the next value', async () => {
    const surplus = Buffer.from('810c000204000000000000070000000100000000000000000000000000006b6178', 'hex')
    const first = await readWith({ kind: 'insert', at: replyLength, bytes: surplus })
    check(first, 'the read before the surplus')
    for (let round = 0; round < 3; round++) check(await adapter.read(KEYS), 'a read after the surplus')
    expect(await adapter.read(KEYS)).toEqual(KEYS.map((key) => VALUES[key]))
  })

  it('a fault costs what is under way on that connection, and 1,000 reads after it are right', async () => {
    const applied = mangler.arm({ kind: 'insert', at: 30, bytes: Buffer.from('x') })
    const reads = Array.from({ length: 50 }, () => adapter.read(KEYS))
    await applied
    for (const outcomes of await Promise.all(reads)) check(outcomes, 'a read beside the fault')
    for (let round = 0; round < 1_000; round++) {
      expect(await adapter.read(KEYS)).toEqual(KEYS.map((key) => VALUES[key]))
    }
  })

  it('a damaged reply to a write or a removal is an error, and never another key’s outcome', async () => {
    for (let at = 0; at < 24; at++) {
      const applied = mangler.arm({ kind: 'drop', at })
      const writing = adapter.write([{ key: 'w', value: Buffer.from('1'), ttl: 60_000 }])
      await applied
      adapter.reset()
      expect(await writing).toMatchObject([{ name: 'NodeError' }])
      const removed = await adapter.remove(['w', 'never'])
      expect(removed[1]).toBe('absent')
    }
  })
})

describe('controls: what plain memjs does with the same damage', () => {
  const clients: Client[] = []
  afterEach(() => {
    for (const client of clients.splice(0)) client.close()
  })
  const plain = async (): Promise<Client> => {
    const client = Client.create(`127.0.0.1:${mangler.port}`, { retries: 1, logger: { log: () => {} } })
    clients.push(client)
    await client.get('none')
    return client
  }

  it('gives a wrong value when a byte is too many', async () => {
    const client = await plain()
    const applied = mangler.arm({ kind: 'insert', at: 28, bytes: Buffer.from('x') })
    const { value } = await client.get('ka')
    await applied
    expect(value?.toString()).toBe('xthe value of a, which is longe')
  })

  it('gives another key’s value when the number of a reply is changed', async () => {
    const client = await plain()
    const [first, second] = [client.seq + 1, client.seq + 2]
    void mangler.arm({ kind: 'flip', at: 15, mask: first ^ second })
    const ka = client.get('ka')
    const kb = await client.get('kb')
    expect(kb.value).toEqual(VALUES['ka'])
    ka.catch(() => {})
  })

  it('leaves a caller waiting for ever when the server hangs up', async () => {
    const client = await plain()
    const server = client.servers[0] as unknown as {
      _socket?: { once(event: 'close', run: () => void): void }
      errorCallbacks: object
    }
    const closed = new Promise<void>((resolve) => server._socket?.once('close', resolve))
    void mangler.arm({ kind: 'close', at: 10 })
    let settled = false
    void client.get('ka').finally(() => (settled = true))
    await closed
    await new Promise((resolve) => setImmediate(resolve))
    expect(settled).toBe(false)
    // Nothing is left that could settle it: no socket, hence no time-out of one.
    expect(server._socket).toBeUndefined()
    expect(Object.keys(server.errorCallbacks)).toHaveLength(1)
  })
})
