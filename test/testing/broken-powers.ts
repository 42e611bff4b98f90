import { NodeError } from '../../src/base/errors.ts'
import type { NodeAdapter, NodeIdentity, NodePowers, WriteItem } from '../../src/node/contract.ts'
import type { Broken } from './broken-data.ts'

type RemoveIf = NonNullable<NodePowers['removeIf']>
const removing =
  (change: (honest: RemoveIf, adapter: NodeAdapter) => RemoveIf) =>
  (honest: NodeAdapter): Partial<NodeAdapter> => ({
    powers: { ...honest.powers, removeIf: change(honest.powers.removeIf as RemoveIf, honest) },
  })
const answering =
  (change: (identity: NodeIdentity) => Partial<NodeIdentity>) =>
  (honest: NodeAdapter): Partial<NodeAdapter> => ({
    connect: async () => {
      const identity = await honest.connect()
      return { ...identity, ...change(identity) }
    },
  })

/** About who answers, the power `removeIf`, and writes that were given up. */
export const brokenPowers: readonly Broken[] = [
  { rule: 'tells nobody who answers', case: 'who answers is told before its first reply', tells: () => () => {} },
  {
    rule: 'tells of one history when it connects and of another when it is asked',
    case: 'the history of its data',
    adapt: (honest) => ({ powers: { ...honest.powers, history: () => Promise.resolve('other') } }),
  },
  {
    rule: 'tells late who answers',
    case: 'who answers is told before the first reply',
    tells: (identified) => (identity) => void setTimeout(() => identified(identity), 20),
  },
  {
    rule: 'tells of another server than the one that answers',
    case: 'who answers is told before the first reply',
    tells: (identified) => (identity) => identified({ ...identity, runId: 'other' }),
  },
  {
    rule: 'tells of the first connection only',
    case: 'who answers is told before its first reply',
    tells: (identified) => {
      let told = 0
      return (identity) => {
        if (told++ === 0) identified(identity)
      }
    },
  },
  {
    rule: 'tells of a restarted server once it has answered',
    case: 'who answers is told before its first reply',
    tells: (identified) => {
      let told = 0
      return (identity) => void (told++ === 0 ? identified(identity) : setTimeout(() => identified(identity), 20))
    },
  },
  {
    rule: 'tells of a restarted server as if it were the old one',
    case: 'who answers is told before its first reply',
    tells: (identified) => (identity) => identified({ ...identity, runId: 'toy-1' }),
  },
  {
    rule: 'can be connected once only',
    case: 'connect on a live connection',
    adapt: (honest) => {
      let connected = 0
      return {
        connect: () => (connected++ > 0 ? Promise.reject(new NodeError('ERR_NODE', 'twice')) : honest.connect()),
      }
    },
  },
  {
    rule: 'makes a new connection when it is asked who answers',
    case: 'connect on a live connection',
    adapt: (honest) => ({ connect: () => (honest.reset(), honest.connect()) }),
  },
  {
    rule: 'says NaN for how long the server has run',
    case: 'uptime and emptiness',
    adapt: answering(() => ({ uptime: Number.NaN })),
  },
  {
    rule: 'counts down how long the server has run',
    case: 'uptime and emptiness',
    adapt: (honest) => {
      let left = 5
      return answering(() => ({ uptime: left-- }))(honest)
    },
  },
  { rule: 'says empty and is not', case: 'uptime and emptiness', adapt: answering(() => ({ empty: true })) },
  {
    rule: 'says that it has no removeIf, and has it',
    case: 'removes a key that holds these bytes',
    setup: { without: ['removeIf'] },
  },
  {
    rule: 'says that it removed, and did not',
    case: 'removes a key that holds these bytes',
    adapt: removing(() => () => Promise.resolve(true)),
  },
  {
    rule: 'takes an empty value for nothing to remove',
    case: 'removes a key that holds these bytes',
    adapt: removing((honest) => (key, value) => (value.length === 0 ? Promise.resolve(false) : honest(key, value))),
  },
  {
    rule: 'removes whatever is there',
    case: 'keeps a key that holds other bytes',
    adapt: removing((_, adapter) => async (key) => (await adapter.remove([key]))[0] === 'deleted'),
  },
  {
    rule: 'compares the beginning only',
    case: 'keeps a key that holds other bytes',
    adapt: removing((honest, adapter) => async (key, value) => {
      const [found] = await adapter.read([key])
      const alike = found instanceof Uint8Array && Buffer.from(found).indexOf(value) === 0
      return honest(key, alike ? found : value)
    }),
  },
  {
    rule: 'says that it removed what is not there',
    case: 'finds nothing where there is nothing',
    adapt: removing((honest, adapter) => async (key, value) => {
      const [found] = await adapter.read([key])
      return found === undefined || honest(key, value)
    }),
  },
  {
    rule: 'compares first and removes then',
    case: 'does not remove what is written meanwhile',
    adapt: removing((_, adapter) => async (key, value) => {
      const [found] = await adapter.read([key])
      if (!(found instanceof Uint8Array) || Buffer.compare(found, value) !== 0) return false
      return (await adapter.remove([key]))[0] === 'deleted'
    }),
  },
  {
    rule: 'says that nothing was removed after close',
    case: 'rejects with a NodeError after close',
    adapt: removing((honest) => (key, value) => honest(key, value).catch(() => false)),
  },
  {
    rule: 'sends again what a reset gave up',
    case: 'a write that reset gave up',
    adapt: (honest) => {
      const underWay = new Set<readonly WriteItem[]>()
      const again: WriteItem[] = []
      return {
        write: async (items) => {
          underWay.add(items)
          const outcomes = await honest.write(items)
          underWay.delete(items)
          return outcomes
        },
        reset: () => {
          for (const items of underWay) again.push(...items)
          honest.reset()
        },
        remove: async (keys) => {
          const outcomes = await honest.remove(keys)
          setTimeout(() => void honest.write(again.splice(0)), 20)
          return outcomes
        },
      }
    },
  },
]
