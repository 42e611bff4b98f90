import { TTL, type ThroughputContender } from '../throughput/client.ts'
import { loadCommon } from './load.ts'

type Done<T> = (error: Error | undefined, result: T) => void
type Memcached = new (servers: string[]) => {
  get(key: string, done: Done<unknown>): void
  getMulti(keys: readonly string[], done: Done<unknown>): void
  set(key: string, value: string, seconds: number, done: Done<boolean>): void
  end(): void
}

/** It knows callbacks only; each is made a promise, as users of it do. */
export const memcached: ThroughputContender = {
  name: 'memcached',
  of: 'memcached',
  competitor: true,
  kind: 'memcached',
  open(servers) {
    const Client = loadCommon<Memcached>('memcached')
    const client = new Client(servers.map(({ host, port }) => `${host}:${port}`))
    const call = (start: (done: Done<unknown>) => void): Promise<unknown> =>
      new Promise((resolve, reject) => start((error, result) => (error ? reject(error) : resolve(result))))
    return {
      get: (key) => call((done) => client.get(key, done)),
      set: (key, value) => call((done) => client.set(key, value, TTL / 1_000, done)),
      getMany: (keys) => call((done) => client.getMulti(keys, done)),
      close: () => client.end(),
    }
  },
}
