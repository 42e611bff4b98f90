import { NodeError } from '../../src/base/errors.ts'
import type { NodeAdapter, ReadOutcome, WriteItem } from '../../src/node/contract.ts'
import type { NodeContext } from '../../src/node/spec.ts'
import type { ConformanceSetup } from '../../src/testing/index.ts'
import type { ToyServer } from './toy.ts'

/** An adapter that breaks one rule of the contract, and the case that must find it. */
export interface Broken {
  rule: string
  case: string
  adapt?(honest: NodeAdapter, server: ToyServer): Partial<NodeAdapter>
  /** What becomes of what it should tell `identified`. */
  tells?(identified: NodeContext['identified']): NodeContext['identified']
  setup?: Partial<ConformanceSetup>
}

const DAY = 86_400_000
const writing =
  (honest: NodeAdapter, change: (item: WriteItem) => Partial<WriteItem>): NodeAdapter['write'] =>
  (items) =>
    honest.write(items.map((item) => ({ ...item, ...change(item) })))
const renaming = (honest: NodeAdapter, name: (key: string) => string): Partial<NodeAdapter> => ({
  read: (keys) => honest.read(keys.map(name)),
  write: writing(honest, ({ key }) => ({ key: name(key) })),
  remove: (keys) => honest.remove(keys.map(name)),
})
const reading = (honest: NodeAdapter, change: (outcome: ReadOutcome) => ReadOutcome): Partial<NodeAdapter> => ({
  read: async (keys) => (await honest.read(keys)).map(change),
})

/** About values, keys and times to live. */
export const brokenData: readonly Broken[] = [
  {
    rule: 'gives one outcome for duplicates',
    case: 'hits, misses and duplicates',
    adapt: (honest) => ({ read: (keys) => honest.read([...new Set(keys)]) }),
  },
  {
    rule: 'sorts the keys',
    case: 'hits, misses and duplicates',
    adapt: (honest) => ({ read: (keys) => honest.read([...keys].sort()) }),
  },
  {
    rule: 'takes an empty value for a miss',
    case: 'an empty value',
    adapt: (honest) =>
      reading(honest, (outcome) => ((outcome as Uint8Array | undefined)?.length === 0 ? undefined : outcome)),
  },
  {
    rule: 'keeps values as text',
    case: 'all 256 byte values',
    adapt: (honest) => ({
      write: writing(honest, ({ value }) => ({ value: Buffer.from(Buffer.from(value).toString()) })),
    }),
  },
  {
    rule: 'stops at CR LF',
    case: 'look like a protocol',
    adapt: (honest) => ({
      write: writing(honest, ({ value }) => ({
        value: Buffer.from(String(value && Buffer.from(value).toString('latin1')).split('\r\n')[0] as string, 'latin1'),
      })),
    }),
  },
  {
    rule: 'stores the buffer behind a view',
    case: 'a view into a larger buffer',
    adapt: (honest) => ({ write: writing(honest, ({ value }) => ({ value: new Uint8Array(value.buffer) })) }),
  },
  {
    rule: 'goes on using the caller’s buffer',
    case: 'may use its buffer again',
    adapt: (_, server) => ({
      write: (items) => {
        for (const { key, value, ttl } of items) server.put(key, value, ttl)
        return Promise.resolve(items.map(() => 'stored'))
      },
    }),
  },
  {
    rule: 'forgets keys beyond a hundred',
    case: '500 keys in one call',
    adapt: (honest) => ({ read: (keys) => honest.read(keys.slice(0, 100)) }),
  },
  {
    rule: 'lower-cases keys',
    case: 'all kinds of characters',
    adapt: (honest) => renaming(honest, (key) => key.toLowerCase()),
  },
  {
    rule: 'normalises keys',
    case: 'all kinds of characters',
    adapt: (honest) => renaming(honest, (key) => key.normalize()),
  },
  { rule: 'cuts long keys', case: 'the longest key', adapt: (honest) => renaming(honest, (key) => key.slice(0, 249)) },
  {
    rule: 'looks keys up in an object',
    case: 'names of object members',
    adapt: (honest) => ({
      read: async (keys) =>
        (await honest.read(keys)).map(
          (outcome, index) => ((keys[index] as string) in {} ? {} : outcome) as ReadOutcome,
        ),
    }),
  },
  {
    rule: 'says deleted for everything',
    case: 'deleted, then absent',
    adapt: (honest) => ({ remove: async (keys) => (await honest.remove(keys)).map(() => 'deleted') }),
  },
  {
    rule: 'removes the first key only',
    case: 'present, absent and duplicate keys',
    adapt: (honest) => ({
      remove: async (keys) => [
        ...(await honest.remove(keys.slice(0, 2))),
        ...keys.slice(2).map(() => 'deleted' as const),
      ],
    }),
  },
  {
    rule: 'mixes up what is read at the same time',
    case: '200 reads at once',
    adapt: (honest) => {
      let last: readonly string[] = []
      return {
        read: async (keys) => {
          last = keys
          await new Promise((resolve) => setImmediate(resolve))
          return honest.read(last)
        },
      }
    },
  },
  {
    rule: 'rounds a TTL down, and takes 0 for ever',
    case: 'a TTL of 1 ms',
    adapt: (honest) => ({
      write: writing(honest, ({ ttl }) => ({ ttl: Math.floor(ttl / 1_000) * 1_000 || Infinity })),
    }),
  },
  {
    rule: 'refuses a short TTL',
    case: 'a TTL of 1 ms',
    adapt: (honest) => ({
      write: async (items) =>
        (await honest.write(items)).map((outcome, index) =>
          (items[index]?.ttl ?? 0) < 10 ? new NodeError('ERR_NODE', 'ttl') : outcome,
        ),
    }),
  },
  {
    rule: 'lets entries end early',
    case: 'an entry lives for its TTL',
    adapt: (honest) => ({ write: writing(honest, ({ ttl }) => ({ ttl: ttl / 10 })) }),
  },
  {
    rule: 'takes a long TTL for a date',
    case: '40 days',
    adapt: (honest) => ({ write: writing(honest, ({ ttl }) => ({ ttl: ttl > 30 * DAY ? 0 : ttl })) }),
  },
  {
    rule: 'keeps the first TTL',
    case: 'brings its own TTL',
    adapt: (honest, server) => ({
      write: writing(honest, ({ key, ttl }) => ({
        ttl: (server.store.get(key)?.until ?? Infinity) - performance.now() < ttl ? 1 : ttl,
      })),
    }),
  },
  {
    rule: 'lets a value over the limit cost its neighbours',
    case: 'a value of exactly the limit',
    adapt: (honest) => ({
      write: async (items) => {
        const outcomes = await honest.write(items)
        return outcomes.map((outcome) => outcomes.find((each) => each instanceof Error) ?? outcome)
      },
    }),
  },
  {
    rule: 'tells the value in the error',
    case: 'a value of exactly the limit',
    adapt: (honest) => ({
      write: async (items) => {
        const telling = (value: Uint8Array): NodeError =>
          new NodeError('ERR_NODE', 'failed', { cause: { args: ['SET', Buffer.from(value.subarray(0, 40))] } })
        return (await honest.write(items)).map((outcome, at) =>
          outcome instanceof Error ? telling((items[at] as WriteItem).value) : outcome,
        )
      },
    }),
  },
  {
    rule: 'promises a larger limit than it has',
    case: 'a value of exactly the limit',
    adapt: (honest) => ({ limits: { ...honest.limits, maxValueBytes: honest.limits.maxValueBytes + 1 } }),
  },
]
