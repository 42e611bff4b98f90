import type { Clock } from '../base/clock.ts'
import { NodeError } from '../base/errors.ts'
import type {
  NodeAdapter,
  NodeIdentity,
  NodeInfo,
  NodeLimits,
  ReadOutcome,
  RemoveOutcome,
  WriteItem,
  WriteOutcome,
} from '../node/contract.ts'
import { expiresField } from './expires.ts'
import { keyError, sizeError } from './items.ts'
import { Link } from './link.ts'
import { OPCODE, STATUS, type Command, type Reply } from './protocol.ts'
import { DEFAULT_ITEM_SIZE, ITEM_OVERHEAD, toIdentity } from './stats.ts'
import type { MemcachedTarget } from './url.ts'

/** Goes after reads: its reply comes in the right place only if the lengths of all values before it were right. */
const CLOSING: Command = { opcode: OPCODE.noop, key: '' }

/** How an adapter is made. */
export interface AdapterSettings {
  readonly clock: Clock
  /** Milliseconds. */
  readonly connectTimeout: number
  readonly nodeTimeout: number
  /** The largest value, if the user set one. */
  readonly maxValueBytes: number | undefined
  /** To be told who answers, on each connection. */
  readonly identified: (identity: NodeIdentity) => void
}

/** Speaks to one memcached server over a connection of its own. */
export class MemcachedAdapter implements NodeAdapter {
  readonly address: string
  readonly limits: NodeLimits
  readonly powers = {
    info: async (): Promise<NodeInfo> => (await this.#link.greet()).info,
    removeIf: (key: string, value: Uint8Array): Promise<boolean> => this.#removeIf(key, value),
  }
  readonly #link: Link

  constructor(target: MemcachedTarget, settings: AdapterSettings) {
    this.address = target.address
    const wanted = settings.maxValueBytes
    const limits = { maxKeyBytes: 250, maxValueBytes: wanted ?? DEFAULT_ITEM_SIZE - ITEM_OVERHEAD, ttlStep: 1_000 }
    this.limits = limits
    const { clock, connectTimeout, nodeTimeout, identified } = settings
    this.#link = new Link(target, clock, connectTimeout, nodeTimeout, (greeting) => {
      limits.maxValueBytes = Math.min(wanted ?? Infinity, greeting.largestValue ?? limits.maxValueBytes)
      identified(toIdentity(greeting.info))
    })
  }

  async connect(): Promise<NodeIdentity> {
    return toIdentity((await this.#link.greet()).info)
  }

  read(keys: readonly string[]): Promise<ReadOutcome[]> {
    return this.#each(
      keys,
      (key) => ({ opcode: OPCODE.get, key }),
      ({ status, value }) => {
        if (status === STATUS.ok) return owned(value)
        return status === STATUS.absent ? undefined : refused(this.address, 'GET', status)
      },
      CLOSING,
    )
  }

  write(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const { maxValueBytes } = this.limits
    return this.#each(
      items,
      // What is too large goes, and with it what was stored there before, as the server itself does it.
      ({ key, value, ttl }) =>
        value.length > maxValueBytes
          ? { opcode: OPCODE.delete, key }
          : { opcode: OPCODE.set, key, value, expires: expiresField(ttl, () => this.#link.serverTime()) },
      ({ status }, { value }) => {
        if (value.length > maxValueBytes) return sizeError(this.address, value.length, maxValueBytes)
        return status === STATUS.ok ? 'stored' : refused(this.address, 'SET', status)
      },
    )
  }

  remove(keys: readonly string[]): Promise<RemoveOutcome[]> {
    return this.#each(
      keys,
      (key) => ({ opcode: OPCODE.delete, key }),
      ({ status }) => {
        if (status === STATUS.ok) return 'deleted'
        return status === STATUS.absent ? 'absent' : refused(this.address, 'DELETE', status)
      },
    )
  }

  reset(): void {
    this.#link.reset()
  }

  close(): Promise<void> {
    this.#link.close()
    return Promise.resolve()
  }

  /** By the number that the server gives an item with each write: the removal counts only if it is still the same. */
  async #removeIf(key: string, value: Uint8Array): Promise<boolean> {
    const illegal = keyError(key)
    if (illegal) throw illegal
    // Both over one connection, hence to one process: after a restart the numbers begin anew.
    const connection = await this.#link.carrier()
    const [found] = (await connection.exchange([{ opcode: OPCODE.get, key }, CLOSING])) as [Reply]
    if (found.status === STATUS.absent) return false
    if (found.status !== STATUS.ok) throw refused(this.address, 'GET', found.status)
    if (!found.value.equals(value)) return false
    if (found.cas === 0n) {
      throw new NodeError('ERR_NODE', `${this.address} was started without CAS (-C), so nothing can be compared there`)
    }
    const [{ status }] = (await connection.exchange([{ opcode: OPCODE.delete, key, cas: found.cas }])) as [Reply]
    if (status === STATUS.ok) return true
    if (status === STATUS.absent || status === STATUS.exists) return false
    throw refused(this.address, 'DELETE', status)
  }

  /** Asks about every item whose key is legal, in one write, and gives an outcome per item. */
  async #each<Item extends string | WriteItem, Outcome>(
    items: readonly Item[],
    ask: (item: Item) => Command,
    outcome: (reply: Reply, item: Item) => Outcome | NodeError,
    last?: Command,
  ): Promise<(Outcome | NodeError)[]> {
    const failures = items.map((item) => keyError(typeof item === 'string' ? item : item.key))
    const legal = items.filter((_, index) => !failures[index])
    if (legal.length === 0) return failures as NodeError[]
    const commands = legal.map(ask)
    if (last) commands.push(last)
    let replies: Reply[]
    try {
      replies = await this.#link.exchange(commands)
    } catch (error) {
      return failures.map((failure) => failure ?? (error as NodeError))
    }
    let next = 0
    return items.map((item, index) => failures[index] ?? outcome(replies[next++] as Reply, item))
  }
}

/** The value alone: without the many others that came in the same piece, and would stay in memory with it. */
function owned(value: Buffer): Uint8Array {
  return value.length * 2 < value.buffer.byteLength ? Uint8Array.prototype.slice.call(value) : value
}

const REASONS: Readonly<Record<number, string>> = {
  [STATUS.tooLarge]: 'the value is too large, and what was stored there is gone',
  [STATUS.outOfMemory]: 'out of memory; what was stored there is gone',
  [STATUS.unknownCommand]: 'it does not know the command',
}

function refused(address: string, command: string, status: number): NodeError {
  const why = REASONS[status] ?? `status 0x${status.toString(16).padStart(2, '0')}`
  return new NodeError('ERR_NODE', `${address} refused a ${command}: ${why}`)
}
