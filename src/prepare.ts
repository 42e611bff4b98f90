import { ValueError, quote } from './base/errors.ts'
import { encodePayload, packedSize, roundTrip } from './entry/form.ts'
import type { House } from './house.ts'
import { spread, windowOf } from './loading/policy.ts'
import type { LoadKey } from './loading/request.ts'
import type { SpaceSettings } from './options.ts'
import type { Stored } from './shard/shard.ts'
import type { TierWrite } from './tier/tiers.ts'
import type { WriteResult } from './types.ts'

/**
 * A value that a caller gave, checked and encoded, on its way to its node.
 *
 * @param ttl how long it is fresh, in milliseconds
 * @param useL1 whether L1 takes part in the call
 * @throws ValueError `ERR_VALUE`, `ERR_VALUE_SIZE`
 */
export function prepareWrite(
  target: LoadKey,
  value: unknown,
  ttl: number,
  useL1: boolean,
  { form, policy }: SpaceSettings,
  { cluster, tiers, settings }: House,
): TierWrite {
  const payload = encodePayload(form, value, target.name)
  const size = packedSize(form, payload)
  const most = cluster.router.shardOf(target.key).maxValueBytes
  if (size > most) {
    const sizes = `${size} bytes, and its node takes at most ${most}`
    throw new ValueError('ERR_VALUE_SIZE', `the value of ${quote(target.name)} is too large: ${sizes}`)
  }
  // An asynchronous schema would let a later delete overtake this write: the next read fills L1 then.
  const kept = useL1 && tiers.l1?.admits(target.key) ? roundTrip(form, value, payload) : undefined
  const known = kept !== undefined && !(kept instanceof Promise) && kept.status === 'value'
  return {
    target,
    kind: 'value',
    payload,
    value: known ? kept.value : undefined,
    ttl: spread(ttl, policy, settings.random),
    window: windowOf(policy),
    token: undefined,
    loadTime: 0,
    l1: known ? 'stored' : 'never',
  }
}

/** What its caller is told. */
export function resultOf(outcome: Stored): WriteResult {
  return outcome === 'stored' ? { ok: true, status: 'stored' } : { ok: false, status: 'failed' }
}
