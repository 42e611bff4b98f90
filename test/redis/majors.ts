import { Redis as Redis6 } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import type { RedisConstructor } from '../../src/redis/client.ts'
import type { RedisClient } from '../../src/redis/index.ts'

/** An ioredis client as an application uses it: what both major versions have. */
export interface AppClient extends RedisClient {
  quit(): Promise<unknown>
  disconnect(): void
  info(section?: string): Promise<string>
  get(key: string): Promise<string | null>
  set(key: string, value: string): Promise<unknown>
  lpush(key: string, value: string): Promise<unknown>
  pttl(key: string): Promise<number>
  select(db: number): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  call(...command: string[]): Promise<unknown>
  listenerCount(event: string): number
  on(event: string, listener: (error: Error) => void): unknown
}

/** One major version of ioredis. */
export interface Major {
  readonly major: 5 | 6
  /** Its constructor, for nodes with a URL. */
  readonly Redis: RedisConstructor
  /** A client of the application's own; `close` it with `disconnect`. */
  client(port: number, options?: object): AppClient
}

/** The versions that are supported. That both assign to `RedisClient` is checked by the compiler, here. */
export const MAJORS: readonly Major[] = [
  { major: 5, Redis: Redis5, client: (port, options) => lend(new Redis5(port, quick(options))) },
  { major: 6, Redis: Redis6, client: (port, options) => lend(new Redis6(port, quick(options))) },
]

function lend(client: RedisClient): AppClient {
  const app = client as AppClient
  app.on('error', () => {})
  return app
}

/** Comes back soon after an outage, so that tests need not wait. */
function quick(options?: object): object {
  return { retryStrategy: (times: number) => Math.min(times * 20, 200), ...options }
}
