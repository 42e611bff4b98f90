import { plainly, type IoredisClient } from '../throughput/ioredis.ts'
import type { ThroughputContender } from '../throughput/client.ts'
import { load } from './load.ts'

interface Iovalkey {
  Redis: new (options: object) => IoredisClient
}

/** ioredis, as it was when Valkey took it over. */
export const iovalkey: ThroughputContender = plainly(
  { name: 'iovalkey', of: 'iovalkey', competitor: true, takes: ({ operation }) => operation !== 'getOrLoad' },
  async () => (await load<Iovalkey>('iovalkey')).Redis,
)
