import { NodeError } from '../base/errors.ts'
import type { NodeIdentity, NodeInfo } from '../node/contract.ts'

/** What a server tells of itself: names and values, as text. */
export type Stats = Readonly<Record<string, string | undefined>>

/** What an item costs beside its value, rounded up: header, CAS number, the longest key, chunk headers. */
export const ITEM_OVERHEAD = 1_024
/** The largest item unless memcached was started with `-I`. */
export const DEFAULT_ITEM_SIZE = 1_048_576

/**
 * memcached counts from two seconds before its start, and it counts the seconds that begin: after less than one it may say 3.
 * Too long a time would let through what was deleted while it was away.
 */
const UPTIME_AHEAD = 3

/**
 * Who the server is, from its general statistics. The run id is its process id and its start: `time` minus `uptime`,
 * which memcached derives from one and the same reading of its clock, so that it does not waver.
 *
 * @throws NodeError `ERR_NODE` when it does not say
 */
export function toInfo(stats: Stats, address: string): NodeInfo {
  const number = (name: string): number => {
    const text = stats[name] ?? ''
    const value = Number(text)
    if (text !== '' && Number.isFinite(value)) return value
    throw new NodeError('ERR_NODE', `${address} answers STATS without a number for ${JSON.stringify(name)}`)
  }
  return {
    runId: `${number('pid')}:${number('time') - number('uptime')}`,
    role: 'primary',
    version: stats['version'] ?? '',
    keys: number('curr_items'),
    bytes: number('bytes'),
    uptime: Math.max(0, number('uptime') - UPTIME_AHEAD) * 1_000,
    empty: number('curr_items') === 0,
  }
}

/** The part of it that tells who the server is. */
export function toIdentity({ keys: _keys, bytes: _bytes, ...identity }: NodeInfo): NodeIdentity {
  return identity
}

/** The largest value that fits the server's largest item, if the server told it. */
export function largestValue(settings: Stats): number | undefined {
  const size = Number(settings['item_size_max'] ?? '')
  return Number.isSafeInteger(size) && size > ITEM_OVERHEAD ? size - ITEM_OVERHEAD : undefined
}
