import { NodeError } from '../base/errors.ts'
import type { NodeIdentity } from '../node/contract.ts'
import type { Client } from './client.ts'
import { redisWord, toNodeError, type Peer } from './errors.ts'
import { parseIdentity } from './info.ts'

/**
 * Asks a server who it is, and makes sure of the database: ioredis goes on in database 0 when the one it was told cannot
 * be selected. A server that may not be asked (`NOPERM`) is an unknown one.
 *
 * @param db the database to be in; 0 is not checked
 * @returns the identity, or what the client library rejected with, or a NodeError about the database
 */
export async function identify(client: Client, db: number, peer: Peer): Promise<NodeIdentity | { failure: unknown }> {
  const [select, ...sections] = await Promise.allSettled([
    db === 0 ? undefined : client.select(db),
    // Two commands: servers before version 7 take one section at a time.
    client.info('server'),
    client.info('replication'),
  ])
  // ioredis 5 lets commands follow a login that is refused; they are then answered for the default user. It tells the
  // refusal by an "error" event, before these answers or in the same turn.
  await new Promise((resolve) => setImmediate(resolve))
  const texts: string[] = []
  for (const section of sections) {
    if (section.status === 'fulfilled') texts.push(section.value)
    else if (redisWord(section.reason) !== 'NOPERM') return { failure: section.reason }
  }
  if (select.status === 'fulfilled') return parseIdentity(texts.join('\r\n'))
  const { code, message } = toNodeError(select.reason, peer)
  return { failure: new NodeError(code, `database ${db} cannot be used: ${message}`) }
}
