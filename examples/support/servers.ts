/** Server processes for the examples: the ones that the tests use, started on free loopback ports. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { redisText, type TestServer } from '../../test/support/servers.ts'

export { startMemcached, startRedis, startReplica, type TestServer } from '../../test/support/servers.ts'

/** Whether a program is on the search path. */
export function isOnPath(program: 'redis-server' | 'memcached'): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.some((folder) => existsSync(join(folder, program)))
}

/** Ends the process with one clear line when a program that the example needs is not installed. */
export function need(program: 'redis-server' | 'memcached'): void {
  if (isOnPath(program)) return
  const name =
    program === 'memcached' ? { apt: 'memcached', brew: 'memcached' } : { apt: 'redis-server', brew: 'redis' }
  console.error(
    `This example starts ${program}, which is not on the PATH: apt-get install ${name.apt} | brew install ${name.brew}`,
  )
  process.exit(1)
}

/** Asks a Redis server over a connection of its own: for seeing what the cache did from outside. */
export function ask(server: TestServer, command: string): Promise<string> {
  return redisText(server.port, command)
}
