import { isFailure, type NodeAdapter, type NodeIdentity } from '../../../src/node/contract.ts'
import type { MemberSpec, NodeContext, NodeSpec } from '../../../src/node/spec.ts'

const NOBODY: NodeIdentity = { runId: '', role: 'unknown', version: '' }

/**
 * The same node with the protections switched off from outside, for controls: it swallows its errors, as many a cache
 * wrapper does, so that nothing is noted down and no circuit opens; and it does not say who it is, so that nothing is void
 * after a restart.
 */
export function naiveNode(spec: NodeSpec): NodeSpec {
  return { ...spec, primary: naiveMember(spec.primary), replicas: spec.replicas.map(naiveMember) }
}

function naiveMember(member: MemberSpec): MemberSpec {
  return { ...member, open: (context) => naiveAdapter(member.open({ ...context, identified: () => {} }), context) }
}

function naiveAdapter(adapter: NodeAdapter, { nodeTimeout }: NodeContext): NodeAdapter {
  /** It gives up before the guard does. */
  const inTime = <T>(asked: Promise<T>, instead: T): Promise<T> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(instead), nodeTimeout * 0.5)
      void asked
        .catch(() => instead)
        .then((value) => {
          clearTimeout(timer)
          resolve(value)
        })
    })
  const answer = async <T extends string | Uint8Array | undefined>(
    asked: Promise<(T | Error)[]>,
    keys: number,
    instead: T,
  ): Promise<T[]> => {
    const nothing = Array.from({ length: keys }, () => instead)
    const outcomes = await inTime(asked, nothing)
    return outcomes.map((outcome) => (isFailure(outcome as never) ? instead : (outcome as T)))
  }
  return {
    address: adapter.address,
    get limits() {
      return adapter.limits
    },
    powers: {},
    connect: async () =>
      inTime(
        adapter.connect().then((identity) => ({ ...identity, runId: '' })),
        NOBODY,
      ),
    read: (keys) => answer<Uint8Array | undefined>(adapter.read(keys), keys.length, undefined),
    write: (items) => answer<'stored'>(adapter.write(items), items.length, 'stored'),
    remove: (keys) => answer<'deleted' | 'absent'>(adapter.remove(keys), keys.length, 'absent'),
    reset: () => adapter.reset(),
    close: () => adapter.close(),
  }
}
