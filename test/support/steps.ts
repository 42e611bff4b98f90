import { Entry } from '../../src/entry/entry.ts'
import { DEFAULT_FORM, unpack } from '../../src/entry/form.ts'
import { loadHash } from '../../src/base/hash.ts'
import { sliceOf } from '../../src/base/slice.ts'
import type { AtomicPower } from '../../src/node/atomic.ts'
import type { NodeAdapter } from '../../src/node/contract.ts'
import { memoryNode } from '../../src/node/memory.ts'
import { customNode, type NodeContext, type NodeSpec } from '../../src/node/spec.ts'

/** Things that wait for their turn, each until it is chosen: whatever else happens, happens between two turns. */
export class Steps {
  #waiting: (() => void)[] = []

  get size(): number {
    return this.#waiting.length
  }

  turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  take(at: number): void {
    this.#waiting.splice(at, 1)[0]?.()
  }
}

/** A memory node each of whose commands waits for its turn, and is then done in one step. */
export interface SteppedNode {
  readonly node: NodeSpec
  /** The value stored under a key now, without any turn; `undefined` for none, and for a placeholder. */
  stored(key: string): Promise<unknown>
}

/**
 * @param atomic whether it has leases
 * @param replies whether the reply to a command waits for a turn of its own
 */
export async function steppedNode(steps: Steps, atomic: boolean, replies = false): Promise<SteppedNode> {
  const inner = memoryNode('memory')
  const hash = await loadHash()
  let store: NodeAdapter | undefined
  const open = (context: NodeContext): NodeAdapter => {
    const adapter = inner.primary.open(context)
    store ??= adapter
    const stepped =
      <A extends readonly unknown[], R>(run: (...args: A) => Promise<R>) =>
      async (...args: A): Promise<R> => {
        await steps.turn()
        const reply = await run(...args)
        if (replies) await steps.turn()
        return reply
      }
    const power = adapter.powers.atomic
    const leases: AtomicPower | undefined = power && {
      lease: stepped((requests) => power.lease(requests)),
      renew: (requests) => power.renew(requests),
      fill: stepped((requests) => power.fill(requests)),
      release: (requests) => power.release(requests),
      expire: stepped((requests) => power.expire(requests)),
    }
    return {
      address: adapter.address,
      limits: adapter.limits,
      powers: atomic && leases ? { atomic: leases } : {},
      connect: () => adapter.connect(),
      read: stepped((keys) => adapter.read(keys)),
      write: stepped((items) => adapter.write(items)),
      remove: stepped((keys) => adapter.remove(keys)),
      reset: () => adapter.reset(),
      close: () => adapter.close(),
    }
  }
  return {
    node: customNode(open, { id: 'memory' }),
    async stored(key) {
      const [bytes] = (await store?.read([key])) ?? []
      if (!(bytes instanceof Uint8Array)) return undefined
      const unpacked = await unpack(DEFAULT_FORM, sliceOf(bytes), key, 0, hash)
      return unpacked instanceof Entry ? unpacked.value : undefined
    },
  }
}
