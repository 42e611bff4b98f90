import type { Guard } from '../node/guard.ts'
import type { MemberSpec } from '../node/spec.ts'
import { orderMembers, type MemberView, type ReadPolicy, type ReadPolicyContext } from './read-policy.ts'

/** One server of a shard at run time. */
export interface Member {
  readonly role: 'primary' | 'replica'
  readonly spec: MemberSpec
  readonly guard: Guard
}

/** The servers in the order in which a policy has them read. */
export function orderOf(members: readonly Member[], policy: ReadPolicy, context: ReadPolicyContext): Guard[] {
  const views = new Map<MemberView, Member>()
  for (const member of members) views.set(viewOf(member), member)
  return orderMembers(policy, [...views.keys()], context).flatMap((view) => views.get(view)?.guard ?? [])
}

function viewOf({ role, spec, guard }: Member): MemberView {
  const { address, zone } = spec
  return { role, address, state: guard.state, latency: guard.latency, ...(zone === undefined ? {} : { zone }) }
}
