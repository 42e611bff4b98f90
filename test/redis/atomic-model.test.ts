import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AtomicPower, LeaseRequest } from '../../src/node/atomic.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { bareContext } from '../support/context.ts'
import { startRedis, type TestServer } from '../support/servers.ts'
import { atomicOf, envelope, HOUR, leaseOf, token, wordOf } from './atomic-harness.ts'
import { opener, TTL } from './harness.ts'
import { MAJORS, type Major } from './majors.ts'

const [major] = MAJORS.slice(-1) as [Major]
/** The tokens and versions of one run; a step names them by number. */
const VERSIONS = 4
const LEASE_UNTIL = 50

/** What is done to one key. `v` is a token or a version. */
type Step =
  | { do: 'lease'; v: number; seen: number | 'any' | undefined }
  | { do: 'renew' | 'fill' | 'release' | 'expire' | 'write' | 'placeholder'; v: number }
  | { do: 'remove' }
  | { do: 'foreign'; length: number }

const version = fc.nat(VERSIONS - 1)
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('lease' as const),
        v: version,
        seen: fc.option(fc.oneof(version, version, version, fc.constant('any' as const)), { nil: undefined }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom('renew', 'fill', 'release', 'expire', 'write', 'placeholder'),
        v: version,
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: 'remove' as const }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('foreign' as const),
        length: fc.constantFrom(0, 1, 49, 50, 55, 56, 57, 80),
      }),
    },
  ),
  { minLength: 1, maxLength: 25 },
)

describe('leases on Redis and in memory', () => {
  const open = opener()
  let server: TestServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.stop())

  it('are the same, step by step, in outcomes and in what is stored', async () => {
    const redis = open(major, server.url)
    await redis.connect()
    const memory = memoryNode('m').primary.open(bareContext)
    const counts: Record<string, number> = {}
    let runs = 0
    await fc.assert(
      fc.asyncProperty(steps, async (given: readonly Step[]) => {
        const key = `model:${runs++}`
        const versions = Array.from({ length: VERSIONS }, token)
        for (const step of given) {
          const act = prepare(step, key, versions)
          const outcomes = [await act(redis), await act(memory)]
          expect(outcomes[0]).toEqual(outcomes[1])
          const stored = await Promise.all(
            [redis, memory].map(async (adapter) => shown((await adapter.read([key]))[0])),
          )
          expect(stored[0]).toEqual(stored[1])
          const name = `${step.do} ${String(outcomes[0]).split(' ', 1)[0]}`
          counts[name] = (counts[name] ?? 0) + 1
        }
      }),
      { seed: 4, numRuns: 400 },
    )
    // Each kind of outcome has come about.
    expect(Object.keys(counts).sort()).toEqual(
      expect.arrayContaining([
        'expire absent',
        'expire deleted',
        'expire expired',
        'fill done',
        'fill lost',
        'lease bytes',
        'lease held',
        'lease won',
        'release done',
        'release lost',
        'renew done',
        'renew lost',
      ]),
    )
  })
})

/** A step with all its bytes, to be taken on several adapters. */
function prepare(step: Step, key: string, versions: readonly Uint8Array[]): (adapter: NodeAdapter) => Promise<unknown> {
  const of = (index: number): Uint8Array => versions[index] as Uint8Array
  const write = (value: Uint8Array) => (adapter: NodeAdapter) => adapter.write([{ key, value, ttl: TTL }])
  const using = (use: (atomic: AtomicPower) => Promise<unknown[]>) => async (adapter: NodeAdapter) =>
    (await use(atomicOf(adapter))).map((each) =>
      each instanceof Uint8Array ? `bytes ${String(shown(each))}` : wordOf(each),
    )
  switch (step.do) {
    case 'remove':
      return (adapter) => adapter.remove([key])
    case 'foreign':
      return write(Buffer.alloc(step.length, 'foreign'))
    case 'write':
      return write(envelope(key, 'value', { version: of(step.v) }, Buffer.from('written')))
    case 'placeholder':
      return write(envelope(key, 'lease', { version: of(step.v) }))
    case 'lease': {
      const seen: LeaseRequest['seen'] = typeof step.seen === 'number' ? of(step.seen) : step.seen
      const request = leaseOf(key, of(step.v), seen)
      return using((atomic) => atomic.lease([request]))
    }
    case 'renew':
      return using((atomic) => atomic.renew([{ key, token: of(step.v), ms: HOUR }]))
    case 'fill': {
      const value = envelope(key, 'value', { version: of(step.v) }, Buffer.from('filled'))
      return using((atomic) => atomic.fill([{ key, token: of(step.v), value, ttl: TTL }]))
    }
    case 'release':
      return using((atomic) => atomic.release([{ key, token: of(step.v) }]))
    case 'expire': {
      const now = Date.now()
      return using((atomic) => atomic.expire([{ key, now, version: of(step.v) }]))
    }
  }
}

/** Bytes as text. The two do not do things in the same millisecond: of a lease only whether there is one. */
function shown(found: unknown): unknown {
  if (!(found instanceof Uint8Array) || found.length < LEASE_UNTIL + 6) return found
  const bytes = Buffer.from(found)
  const leased = bytes.readUIntBE(LEASE_UNTIL, 6) > 0
  bytes.fill(leased ? 1 : 0, LEASE_UNTIL, LEASE_UNTIL + 6)
  return bytes.toString('hex')
}
