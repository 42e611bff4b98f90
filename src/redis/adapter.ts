import { NodeError } from '../base/errors.ts'
import type { ByteSlice, ByteSliceClass } from '../base/slice.ts'
import type {
  NodeAdapter,
  NodeIdentity,
  NodeLimits,
  NodePowers,
  ReadOutcome,
  RemoveOutcome,
  WriteItem,
  WriteOutcome,
} from '../node/contract.ts'
import { RedisAtomic } from './atomic.ts'
import { asBuffer, batches, joined, pieces } from './batches.ts'
import type { Client, Pipeline } from './client.ts'
import { encodeDels, encodeGets, encodeSets } from './encode.ts'
import { isCommandRefused, redisWord, tooLarge, toNodeError, type Peer } from './errors.ts'
import { parseHistory, parseInfo } from './info.ts'
import type { Link } from './link.ts'
import { fitInfo, fitOk, fitPipeline, fitRemoved, fitValue, fitValues, type Fit, type RowReplies } from './replies.ts'

/** Keys per MGET: wide enough that the round trip no longer counts, narrow enough that others get their turn. */
const READ_WIDTH = 64

/** Compare and delete. */
const REMOVE_IF = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end"

/** What an adapter must know of its server. */
export interface AdapterSettings {
  readonly peer: Peer
  readonly db: number
  readonly maxValueBytes: number
  /** Whether the client gives numbers as text. */
  readonly textNumbers: boolean
  /** Whether the client has what leases take. */
  readonly leases: boolean
}

/** Speaks to one Redis server over a {@link Link}. */
export class RedisAdapter implements NodeAdapter {
  readonly address: string
  readonly limits: NodeLimits
  readonly #powers: NodePowers
  readonly #powersWithoutLeases: NodePowers
  readonly #atomic: RedisAtomic
  readonly #link: Link
  readonly #peer: Peer
  readonly #fitRemoved: Fit<boolean>
  /** The connections on which MGET and EVAL were refused. */
  #mgetRefused = -1
  #evalRefused = -1

  constructor(link: Link, { peer, db, maxValueBytes, textNumbers, leases }: AdapterSettings) {
    this.#link = link
    this.#peer = peer
    this.#fitRemoved = fitRemoved(textNumbers)
    this.address = peer.address
    this.limits = { maxKeyBytes: 250, maxValueBytes, ttlStep: 1 }
    const powers: NodePowers = {
      info: async () => parseInfo(await this.#info((client) => client.info()), db),
      history: async () => parseHistory(await this.#info((client) => client.info('replication'))),
      removeIf: (key, value) => this.#removeIf(key, value),
    }
    this.#atomic = new RedisAtomic(link, {
      address: peer.address,
      maxValueBytes,
      textNumbers,
      failure: (error) => this.#writeFailure(error),
    })
    this.#powersWithoutLeases = powers
    this.#powers = leases ? { ...powers, atomic: this.#atomic } : powers
  }

  /** Leases are no power on a connection whose user was told that it may not run scripts. */
  get powers(): NodePowers {
    return this.#atomic.refused ? this.#powersWithoutLeases : this.#powers
  }

  connect(): Promise<NodeIdentity> {
    return this.#link.connect()
  }

  read(keys: readonly string[], slice: ByteSliceClass): Promise<(ReadOutcome | ByteSlice)[]>
  read(keys: readonly string[]): Promise<ReadOutcome[]>
  read(keys: readonly string[], slice?: ByteSliceClass): Promise<(ReadOutcome | ByteSlice)[]> {
    return keys.length <= READ_WIDTH ? this.#readSome(keys, slice) : this.#readMany(keys, slice)
  }

  async #readMany(keys: readonly string[], slice: ByteSliceClass | undefined): Promise<(ReadOutcome | ByteSlice)[]> {
    const parts = await Promise.all(pieces(keys, READ_WIDTH).map((part) => this.#readSome(part, slice)))
    return joined(parts)
  }

  write(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const parts = batches(items, this.limits.maxValueBytes)
    const [first] = parts
    return parts.length === 1 && first ? this.#writeSome(first) : this.#writeMany(parts)
  }

  async #writeMany(parts: readonly (readonly WriteItem[])[]): Promise<WriteOutcome[]> {
    return joined(await Promise.all(parts.map((part) => this.#writeSome(part))))
  }

  async remove(keys: readonly string[]): Promise<RemoveOutcome[]> {
    const parts = await Promise.all(pieces(keys).map((part) => this.#removeSome(part)))
    return joined(parts)
  }

  reset(): void {
    this.#link.reset()
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  #readSome(keys: readonly string[], slice: ByteSliceClass | undefined): Promise<(ReadOutcome | ByteSlice)[]> {
    if (keys.length === 0) return Promise.resolve([])
    const { epoch } = this.#link
    const refused = (error: unknown): ReadOutcome[] | Promise<ReadOutcome[]> => this.#readRefused(keys, error, epoch)
    if (this.#mgetRefused === epoch && keys.length > 1) return this.#readEach(keys)
    if (!this.#link.rows) return this.#readByClient(keys).catch(refused)
    const shape = {
      name: keys.length === 1 ? 'get' : 'mget',
      keys,
      replies: keys.length === 1 ? 'one' : 'list',
      fit: fitValue,
      slice,
    } as const
    return new Promise((resolve) =>
      this.#link.send(
        shape,
        encodeGets(keys),
        ({ replies }) => resolve(replies),
        (error) => resolve(refused(error)),
      ),
    )
  }

  async #readByClient(keys: readonly string[]): Promise<ReadOutcome[]> {
    if (keys.length > 1) return this.#link.run((client) => client.mgetBuffer(keys), fitValues(keys.length))
    return [await this.#link.run((client) => client.getBuffer(keys[0] as string), fitValue)]
  }

  #readRefused(keys: readonly string[], error: unknown, epoch: number): ReadOutcome[] | Promise<ReadOutcome[]> {
    if (keys.length === 1) return [this.#readFailure(error)]
    const refused = isCommandRefused(error)
    if (refused) this.#mgetRefused = epoch
    // One key that this user may not read refuses the whole MGET; one by one, it costs only itself.
    return refused || redisWord(error) === 'NOPERM' ? this.#readEach(keys) : this.#all(keys, error)
  }

  #readEach(keys: readonly string[]): Promise<ReadOutcome[]> {
    return this.#pipeline(
      keys,
      (pipeline, key) => pipeline.getBuffer(key),
      fitValue,
      (error) => this.#readFailure(error),
    )
  }

  #writeSome(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const [item] = items
    if (item !== undefined && item.value.length > this.limits.maxValueBytes) {
      return Promise.resolve([tooLarge(this.address, item.value)])
    }
    const failure = (error: unknown): NodeError => this.#writeFailure(error)
    if (this.#link.rows) return this.#row('set', items.map(keyOf), encodeSets(items), fitOk, failure)
    return this.#pipeline(
      items,
      (pipeline, { key, value, ttl }) => pipeline.set(key, asBuffer(value), 'PX', ttl),
      fitOk,
      failure,
    )
  }

  async #removeSome(keys: readonly string[]): Promise<RemoveOutcome[]> {
    const failure = (error: unknown): NodeError => this.#writeFailure(error)
    const outcomes = this.#link.rows
      ? await this.#row('del', keys, encodeDels(keys), this.#fitRemoved, failure)
      : await this.#pipeline(keys, (pipeline, key) => pipeline.del(key), this.#fitRemoved, failure)
    return outcomes.map((each) => (typeof each !== 'boolean' ? each : each ? 'deleted' : 'absent'))
  }

  async #removeIf(key: string, value: Uint8Array): Promise<boolean> {
    const { epoch } = this.#link
    if (this.#evalRefused === epoch) {
      throw new NodeError('ERR_NODE', `${this.address} does not let this user run EVAL, which compare-and-delete needs`)
    }
    try {
      return await this.#link.run((client) => client.eval(REMOVE_IF, 1, key, asBuffer(value)), this.#fitRemoved)
    } catch (error) {
      // A list or a set is not these bytes. Older servers put words of their own before the one that says so.
      if (redisWord(error) !== '' && /\bWRONGTYPE\b/.test((error as Error).message)) return false
      if (isCommandRefused(error)) this.#evalRefused = epoch
      throw this.#writeFailure(error)
    }
  }

  /** Sends one command per item in one piece. */
  async #pipeline<I, O>(
    items: readonly I[],
    command: (pipeline: Pipeline, item: I) => unknown,
    fit: Fit<O>,
    failure: (error: unknown) => O | NodeError,
  ): Promise<(O | NodeError)[]> {
    const send = (client: Client): Promise<unknown> => {
      const pipeline = client.pipeline()
      for (const item of items) command(pipeline, item)
      return pipeline.exec()
    }
    try {
      return outcomesOf(await this.#link.run(send, fitPipeline(items.length, fit)), failure)
    } catch (error) {
      return this.#all(items, error)
    }
  }

  /** The same with a client of our own, for less. */
  #row<O>(
    name: string,
    keys: readonly string[],
    bytes: Buffer,
    fit: Fit<O>,
    failure: (error: unknown) => O | NodeError,
  ): Promise<(O | NodeError)[]> {
    return new Promise((resolve) =>
      this.#link.send(
        { name, keys, replies: 'each', fit },
        bytes,
        (row) => resolve(outcomesOf(row, failure)),
        (error) => resolve(this.#all(keys, error)),
      ),
    )
  }

  /** A key that holds a list or a set is none of ours: a miss, as MGET has it. */
  #readFailure(error: unknown): ReadOutcome {
    return redisWord(error) === 'WRONGTYPE' ? undefined : toNodeError(error, this.#peer)
  }

  #writeFailure(error: unknown): NodeError {
    if (redisWord(error) === 'READONLY') this.#link.readonly()
    return toNodeError(error, this.#peer)
  }

  #all(items: readonly unknown[], error: unknown): NodeError[] {
    const failure = toNodeError(error, this.#peer)
    return items.map(() => failure)
  }

  async #info(ask: (client: Client) => Promise<unknown>): Promise<string> {
    try {
      return await this.#link.run(ask, fitInfo)
    } catch (error) {
      throw toNodeError(error, this.#peer)
    }
  }
}

function keyOf({ key }: WriteItem): string {
  return key
}

/** Puts what each error means into its place. */
function outcomesOf<O>(
  { replies, errors }: RowReplies<O>,
  failure: (error: unknown) => O | NodeError,
): (O | NodeError)[] {
  const outcomes = replies as (O | NodeError)[]
  if (errors) for (const [at, error] of errors) outcomes[at] = failure(error)
  return outcomes
}
