import { NodeError } from '../base/errors.ts'
import type { NodeIdentity } from '../node/contract.ts'
import type { Client } from './client.ts'
import { redisWord, toNodeError, type Peer } from './errors.ts'
import { isLoading, parseIdentity } from './info.ts'
import { fitInfo, fitOk, UNFIT } from './replies.ts'

/**
 * What a server answers when it is asked who it is: that; or what the client library rejected with, or a NodeError of
 * ours; or something that is no answer to the question.
 */
export type Answer =
  | { readonly kind: 'known'; readonly identity: NodeIdentity }
  | { readonly kind: 'failed'; readonly failure: unknown }
  | { readonly kind: 'unfit' }

/**
 * Asks a server who it is, and makes sure of the database: ioredis goes on in database 0 when the one it was told cannot
 * be selected. A server that may not be asked (`NOPERM`) is an unknown one; one that still loads its data is not ready.
 *
 * @param db the database to be in; 0 is not checked
 */
export async function identify(client: Client, db: number, peer: Peer): Promise<Answer> {
  const [select, info] = await Promise.allSettled([db === 0 ? 'OK' : client.select(db), client.info()])
  // ioredis 5 lets commands follow a login that is refused; they are then answered for the default user. It tells the
  // refusal by an "error" event, before these answers or in the same turn.
  await new Promise((resolve) => setImmediate(resolve))
  if (info.status === 'rejected' && redisWord(info.reason) !== 'NOPERM') return failed(info.reason)
  if (select.status === 'rejected') {
    const { code, message } = toNodeError(select.reason, peer)
    return failed(new NodeError(code, `database ${db} cannot be used: ${message}`))
  }
  if (fitOk(select.value) === UNFIT) return { kind: 'unfit' }
  if (info.status === 'rejected') return { kind: 'known', identity: { runId: '', role: 'unknown', version: '' } }
  const text = fitInfo(info.value)
  if (text === UNFIT) return { kind: 'unfit' }
  if (isLoading(text)) return failed(new NodeError('ERR_NODE_UNREADY', `${peer.address} cannot serve now: it loads`))
  return { kind: 'known', identity: parseIdentity(text) }
}

function failed(failure: unknown): Answer {
  return { kind: 'failed', failure }
}
