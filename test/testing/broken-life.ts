import { NodeError } from '../../src/base/errors.ts'
import type { WriteItem } from '../../src/node/contract.ts'
import type { Broken } from './broken-data.ts'
import { toyAdapter, ToyServer } from './toy.ts'

const never = <T>(): Promise<T> => new Promise<T>(() => {})

/** About connecting, resetting, closing, and a server that fails. */
export const brokenLife: readonly Broken[] = [
  {
    rule: 'says that it has no limit, and has one',
    case: 'a value of exactly the limit',
    setup: { without: ['value-limit'] },
  },
  { rule: 'says that it has no info, and has it', case: 'info tells', setup: { without: ['info'] } },
  {
    rule: 'counts NaN keys',
    case: 'info tells',
    adapt: (honest) => ({
      powers: { info: async () => ({ ...(await honest.connect()), keys: Number.NaN, bytes: 0 }) },
    }),
  },
  {
    rule: 'gives another run id each time',
    case: 'connect gives an identity',
    adapt: (honest) => {
      let count = 0
      return { connect: async () => ({ ...(await honest.connect()), runId: `${count++}` }) }
    },
  },
  {
    rule: 'has a store of its own in each adapter',
    case: 'two adapters of one server',
    adapt: () => toyAdapter(new ToyServer()),
  },
  {
    rule: 'tells its password in the address',
    case: 'the address is there',
    adapt: () => ({ address: 'user:secret@toy:1' }),
  },
  {
    rule: 'rejects after close',
    case: 'after close every operation',
    adapt: (honest) => {
      let closed = false
      return {
        close: () => ((closed = true), honest.close()),
        read: (keys) => (closed ? Promise.reject(new NodeError('ERR_NODE_DOWN', 'closed')) : honest.read(keys)),
      }
    },
  },
  {
    rule: 'never settles after close',
    case: 'after close every operation',
    adapt: (honest) => {
      let closed = false
      return {
        close: () => ((closed = true), honest.close()),
        write: (items) => (closed ? never() : honest.write(items)),
      }
    },
  },
  {
    rule: 'connects after close',
    case: 'after close every operation',
    adapt: () => ({ connect: () => Promise.resolve({ runId: 'toy', role: 'primary', version: '' }) }),
  },
  {
    rule: 'fails with an error of its own',
    case: 'after close every operation',
    adapt: (honest) => ({
      remove: async (keys) =>
        (await honest.remove(keys)).map((outcome) =>
          outcome instanceof Error ? (new TypeError('closed') as never) : outcome,
        ),
    }),
  },
  {
    rule: 'can be closed once only',
    case: 'close is idempotent',
    adapt: (honest) => {
      let closed = false
      return { close: () => (closed ? Promise.reject(new Error('already closed')) : ((closed = true), honest.close())) }
    },
  },
  {
    rule: 'loses what is under way at reset',
    case: 'server hung: reset and close',
    adapt: () => ({ reset: () => {} }),
  },
  {
    rule: 'does not come back after reset',
    case: 'after reset the adapter works again',
    adapt: (honest) => ({ reset: () => void honest.close() }),
  },
  {
    rule: 'throws in reset after close',
    case: 'reset before connect and after close',
    adapt: (honest) => {
      let closed = false
      return {
        close: () => ((closed = true), honest.close()),
        reset: () => {
          if (closed) throw new Error('closed')
        },
      }
    },
  },
  {
    rule: 'does not connect again after a restart',
    case: 'server back',
    adapt: (honest, server) => ({
      write: (items) => (server.starts > 1 ? honest.close().then(() => honest.write(items)) : honest.write(items)),
    }),
  },
  {
    rule: 'keeps its run id over a restart',
    case: 'server back',
    adapt: (honest) => ({ connect: async () => ({ ...(await honest.connect()), runId: 'toy' }) }),
  },
  {
    rule: 'connects to a server that is down',
    case: 'operations and connect fail',
    adapt: (_, server) => ({
      connect: () => Promise.resolve({ runId: `${server.starts}`, role: 'unknown', version: '' }),
    }),
  },
  {
    rule: 'queues writes while the server is down, and sends them later',
    case: 'is not sent later',
    adapt: (honest, server) => {
      const queue: WriteItem[] = []
      return {
        write: (items) => (server.up ? undefined : queue.push(...items), honest.write(items)),
        read: async (keys) => {
          if (server.up && queue.length > 0) await honest.write(queue.splice(0))
          return honest.read(keys)
        },
      }
    },
  },
  {
    rule: 'says down for a refused password',
    case: 'refused credentials',
    setup: {
      openRefused: () => ({
        ...toyAdapter(new ToyServer(), 'wrong'),
        connect: () => Promise.reject(new NodeError('ERR_NODE_DOWN', 'down')),
      }),
    },
  },
]
