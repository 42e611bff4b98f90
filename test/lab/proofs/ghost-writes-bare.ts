import { Client as Memjs } from 'memjs'
import { until } from '../../support/servers.ts'
import { DEADLINE, majorOf, type Party } from './ghost-writes-party.ts'
import type { Venue } from './ghost-writes-venue.ts'

/** The client library without the cache: with a time-out, after which the application lets go of the client. */
export function openBare(venue: Venue, name: string): Promise<Party> {
  return Promise.resolve(venue.way === 'memcached' ? openMemjs(venue, name) : openRedis(venue, name))
}

interface Commands<C> {
  open(): C
  /** Waits until it is connected: the time-out of a command would begin before. */
  ready(client: C): Promise<void>
  end(client: C): void
  set(client: C): Promise<unknown>
  delete(client: C): Promise<unknown>
  get(client: C): Promise<boolean>
}

/** A client whose command failed is let go of; the next command has a new one. */
function party<C>(key: string, commands: Commands<C>): Party {
  let client: C | undefined
  const run = async <T>(command: (client: C) => Promise<T>): Promise<T | undefined> => {
    client ??= commands.open()
    try {
      await commands.ready(client)
      return await command(client)
    } catch {
      commands.end(client)
      client = undefined
      return undefined
    }
  }
  return {
    key,
    set: async () => (await run(commands.set)) !== undefined,
    delete: async () => (await run(commands.delete)) !== undefined,
    reads: async () => (await run(commands.get)) === true,
    owes: () => false,
    connect: () => Promise.resolve(),
    close: () => Promise.resolve(client && commands.end(client)),
  }
}

function openRedis({ way, server, port, ca }: Venue, key: string): Party {
  const options = { host: server.host, commandTimeout: DEADLINE, ...(ca === undefined ? {} : { tls: { ca } }) }
  return party(key, {
    open: () => majorOf(way).client(port, options),
    ready: (client) => until(() => client.status === 'ready', 'a client to be ready'),
    end: (client) => client.disconnect(),
    set: (client) => client.set(key, 'old'),
    delete: (client) => client.call('DEL', key),
    get: async (client) => (await client.get(key)) !== null,
  })
}

function openMemjs({ server }: Venue, key: string): Party {
  const options = { timeout: DEADLINE / 1_000, conntimeout: 1, retries: 1, logger: { log: () => {} } }
  return party(key, {
    open: () => Memjs.create(`${server.host}:${server.port}`, options),
    ready: () => Promise.resolve(),
    end: (client) => client.close(),
    set: (client) => client.set(key, 'old', {}),
    delete: (client) => client.delete(key),
    get: async (client) => (await client.get(key)).value !== null,
  })
}
