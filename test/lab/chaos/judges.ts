import { Oracle, type Allowance, type Moment } from '../oracle.ts'
import type { Value } from '../truth.ts'
import { L1_TTL, REPLICATED } from './world.ts'

/** Knows what a read may give. */
export interface Judge {
  readonly wrong: number
  readonly stale: number
  readonly allowed: Readonly<Record<string, number>>
  now(): Moment
  /** A change is about to be told to the cache; the function is called with what it says. */
  changing(kind: 'set' | 'delete', key: string, seq: number): (status: string) => void
  /** Says what is wrong with it, if anything is. */
  read(key: string, value: unknown, begun: Moment): string | undefined
}

/** When reads last went past a primary, and who owns which key. */
export interface Failovers {
  ownerOf(key: string): string
  /** When the replicated node's reads last went to its replica; `performance.now()`. */
  last(): number
  /** When its primary was last started with old data, which its replica then copied. */
  restored(): number
}

/** For how long a key that this process changed is read from its primary, in milliseconds. */
const READ_YOUR_WRITES = 1_000

export const ALLOWANCES = {
  replica: 'replica lag: read from a replica, more than 1 s after the change',
  foreign: 'missed by its node: a delete by the other cache that only that one knew of',
  nodes: 'list of nodes: a delete by the other cache from before the nodes changed',
} as const

/** For what a cache reads of what it changes itself: every change counts, to the millisecond. */
export function ownJudge(failovers: Failovers): Judge {
  const replica: Allowance = {
    name: ALLOWANCES.replica,
    allows: ({ key, begun, missed }) =>
      failovers.ownerOf(key) === REPLICATED &&
      begun.at - missed.settled.at > READ_YOUR_WRITES - L1_TTL &&
      failovers.last() >= begun.at - L1_TTL &&
      // What a replica copied from a primary that came back with old data is no lag.
      (missed.settled.at > failovers.restored() || failovers.restored() > begun.at),
  }
  const oracle = new Oracle([replica])
  let told = 0
  return {
    get wrong() {
      return oracle.wrong
    },
    get stale() {
      return oracle.stale
    },
    get allowed() {
      return oracle.allowed
    },
    now: () => oracle.now(),
    changing: (...change) => oracle.changing(...change),
    read: (key, value, begun) => {
      const before = oracle.wrong + oracle.stale
      oracle.read(key, value, begun)
      if (oracle.wrong + oracle.stale === before) return undefined
      return oracle.violations[told++] ?? `a read of ${key} gave ${JSON.stringify(value)}`
    },
  }
}

interface Removed {
  readonly seq: number
  readonly order: number
  readonly node: string
}

/**
 * For what a cache reads of what another one changes. A delete counts once its node has done it, or has restarted after it;
 * what a node missed is known only to the cache that asked for it, and so is where keys lay before the nodes changed.
 */
export class ForeignJudge implements Judge {
  wrong = 0
  stale = 0
  readonly allowed: Record<string, number> = {}
  readonly #failovers: Failovers
  /** By key: the newest delete that all must know of, the newest of all, and the newest change. */
  readonly #deletes = new Map<string, { known?: Removed; newest?: Removed; newestSeq: number }>()
  #order = 0
  #nodesChanged = 0
  #nodesChanging = false

  constructor(failovers: Failovers) {
    this.#failovers = failovers
  }

  now(): Moment {
    return { order: ++this.#order, at: performance.now() }
  }

  changing(kind: 'set' | 'delete', key: string, seq: number): (status: string) => void {
    const of = this.#deletes.get(key) ?? { newestSeq: 0 }
    this.#deletes.set(key, of)
    of.newestSeq = Math.max(of.newestSeq, seq)
    const epoch = this.#nodesChanged
    return (status) => {
      if (kind === 'set' || status === 'failed') return
      const known = status !== 'journaled' && epoch === this.#nodesChanged && !this.#nodesChanging
      const removed = { seq, order: ++this.#order, node: this.#failovers.ownerOf(key) }
      if (seq > (of.newest?.seq ?? 0)) of.newest = removed
      if (known && seq > (of.known?.seq ?? 0)) of.known = removed
    }
  }

  /** A server is about to start again: what was deleted on its node before is deleted for everybody. */
  restarting(node: string): void {
    for (const of of this.#deletes.values()) {
      if (of.newest?.node === node && of.newest.order > this.#nodesChanged) {
        of.known = { ...of.newest, order: ++this.#order }
      }
    }
  }

  /** The nodes are about to change, one cache after the other, or all caches have them: what was deleted before may lie elsewhere. */
  nodesChange(under: 'begins' | 'ends'): void {
    this.#nodesChanging = under === 'begins'
    this.#nodesChanged = ++this.#order
  }

  read(key: string, value: unknown, begun: Moment): string | undefined {
    if (value === undefined) return undefined
    const of = this.#deletes.get(key)
    const { key: told, seq } = (value ?? {}) as Partial<Value>
    if (told !== key || typeof seq !== 'number' || seq > (of?.newestSeq ?? 0)) {
      this.wrong++
      return `wrong: another cache's read of ${key} gave ${JSON.stringify(value).slice(0, 200)}`
    }
    const { known, newest } = of ?? {}
    if (known && seq < known.seq && known.order < begun.order) {
      if (known.order < this.#nodesChanged) this.#allow(ALLOWANCES.nodes)
      else if (this.#fromReplica(key, begun)) this.#allow(ALLOWANCES.replica)
      else {
        this.stale++
        return `stale: another cache's read of ${key} gave ${seq}, though delete ${known.seq} was done`
      }
    } else if (newest && seq < newest.seq && newest.order < begun.order) this.#allow(ALLOWANCES.foreign)
    return undefined
  }

  #fromReplica(key: string, begun: Moment): boolean {
    return this.#failovers.ownerOf(key) === REPLICATED && this.#failovers.last() >= begun.at
  }

  #allow(name: string): void {
    this.allowed[name] = (this.allowed[name] ?? 0) + 1
  }
}
