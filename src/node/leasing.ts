import { NodeError } from '../base/errors.ts'
import type {
  AtomicPower,
  ExpireOutcome,
  ExpireRequest,
  FillRequest,
  HolderOutcome,
  LeaseOutcome,
  LeaseRequest,
  RenewRequest,
  TokenRequest,
} from './atomic.ts'
import type { OperationName } from './call.ts'
import type { Guard } from './guard.ts'

/** Whether a server has leases. */
export function hasLeases(guard: Guard): boolean {
  return guard.adapter.powers.atomic !== undefined
}

/** Takes leases; one outcome each, in order. */
export function takeLeases(guard: Guard, requests: readonly LeaseRequest[], ms: number): Promise<LeaseOutcome[]> {
  return run(guard, 'lease', requests.length, ms, (atomic) => atomic.lease(requests))
}

/** Lets leases go on; one outcome each, in order. */
export function renewLeases(guard: Guard, requests: readonly RenewRequest[], ms: number): Promise<HolderOutcome[]> {
  return ifOpen(guard, requests, () => run(guard, 'lease', requests.length, ms, (atomic) => atomic.renew(requests)))
}

/** Gives leases back; one outcome each, in order. */
export function releaseLeases(guard: Guard, requests: readonly TokenRequest[], ms: number): Promise<HolderOutcome[]> {
  return ifOpen(guard, requests, () => run(guard, 'lease', requests.length, ms, (atomic) => atomic.release(requests)))
}

/** Writes entries under their leases; one outcome each, in order. */
export function fillLeased(guard: Guard, requests: readonly FillRequest[], ms: number): Promise<HolderOutcome[]> {
  guard.counts.writes += requests.length
  for (const { value } of requests) guard.counts.bytesWritten += value.length
  return run(guard, 'write', requests.length, ms, (atomic) => atomic.fill(requests))
}

/** Makes entries out of date; one outcome each, in order. */
export function expireEntries(guard: Guard, requests: readonly ExpireRequest[], ms: number): Promise<ExpireOutcome[]> {
  guard.counts.writes += requests.length
  return run(guard, 'write', requests.length, ms, (atomic) => atomic.expire(requests))
}

/** Leases on a node that has left end by themselves. */
function ifOpen(
  guard: Guard,
  requests: readonly TokenRequest[],
  use: () => Promise<HolderOutcome[]>,
): Promise<HolderOutcome[]> {
  return guard.closed ? Promise.resolve(requests.map(() => 'lost' as const)) : use()
}

function run<T>(
  guard: Guard,
  operation: OperationName,
  keys: number,
  ms: number,
  use: (atomic: AtomicPower) => Promise<T[]>,
): Promise<(T | NodeError)[]> {
  const { atomic } = guard.adapter.powers
  if (atomic) return guard.ask(operation, keys, ms, () => use(atomic))
  const error = new NodeError('ERR_NODE', `${guard.adapter.address} has no leases`)
  return Promise.resolve(Array.from({ length: keys }, () => error))
}
