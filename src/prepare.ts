import { ValueError, quote } from './base/errors.ts'
import { encodePayload, packedBeyond, roundTrip } from './entry/form.ts'
import type { Payload } from './entry/payload.ts'
import type { House } from './house.ts'
import { spread, windowOf } from './loading/policy.ts'
import type { LoadKey } from './loading/request.ts'
import type { SpaceSettings } from './options.ts'
import type { Stored } from './shard/outcomes.ts'
import type { TierWrite } from './tier/asked.ts'
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
  const most = cluster.router.shardOf(target).maxValueBytes
  const size = packedBeyond(form, payload, most)
  if (size !== undefined) {
    const sizes = `${size} bytes, and its node takes at most ${most}`
    throw new ValueError('ERR_VALUE_SIZE', `the value of ${quote(target.name)} is too large: ${sizes}`)
  }
  // An asynchronous schema would let a later delete overtake this write: the next read fills L1 then.
  const kept = useL1 && tiers.l1?.admits(target.key) ? roundTrip(form, value, payload) : undefined
  const known = kept !== undefined && !(kept instanceof Promise) && kept.status === 'value'
  const fresh = spread(ttl, policy, settings.random)
  return new GivenWrite(target, payload, known ? kept.value : undefined, fresh, windowOf(policy), known)
}

/** A value that a caller gave. */
class GivenWrite implements TierWrite {
  readonly target: LoadKey
  readonly kind = 'value'
  readonly payload: Payload
  readonly value: unknown
  readonly ttl: number
  readonly window: number
  readonly token = undefined
  readonly loadTime = 0
  readonly l1: 'stored' | 'never'

  constructor(target: LoadKey, payload: Payload, value: unknown, ttl: number, window: number, l1: boolean) {
    this.target = target
    this.payload = payload
    this.value = value
    this.ttl = ttl
    this.window = window
    this.l1 = l1 ? 'stored' : 'never'
  }
}

/** What its caller is told. */
export function resultOf(outcome: Stored): WriteResult {
  return outcome === 'stored' ? { ok: true, status: 'stored' } : { ok: false, status: 'failed' }
}
