import { NodeError } from '../base/errors.ts'
import type { ByteSliceClass } from '../base/slice.ts'
import {
  tell,
  type Asker,
  type NodeAdapter,
  type NodeIdentity,
  type NodeLimits,
  type NodePowers,
  type ReadGiven,
  type ReadOutcome,
  type RemoveOutcome,
  type WriteItem,
  type WriteOutcome,
} from '../node/contract.ts'
import { RedisAtomic } from './atomic.ts'
import { asBuffer, batches, joined, pieces } from './batches.ts'
import type { Client, Pipeline } from './client.ts'
import { encodeDels, encodeGet, encodeGets, encodeSets } from './encode.ts'
import { isCommandRefused, redisWord, tooLarge, toNodeError, type Peer } from './errors.ts'
import { parseHistory, parseInfo } from './info.ts'
import type { Link } from './link.ts'
import { ReadRow, type ReadRefused } from './read-row.ts'
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
  readonly #writeFailure = (error: unknown): NodeError => {
    if (redisWord(error) === 'READONLY') this.#link.readonly()
    return toNodeError(error, this.#peer)
  }
  readonly #readRowRefused: ReadRefused = (error, { keys, asker, epoch }) =>
    tell(asker, this.#readRefused(keys, error, epoch))
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
      failure: this.#writeFailure,
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

  read(keys: readonly string[]): Promise<ReadOutcome[]> {
    return this.#read(keys, undefined) as Promise<ReadOutcome[]>
  }

  beginRead(keys: readonly string[], slice: ByteSliceClass, asker: Asker<ReadGiven>): void {
    if (keys.length <= READ_WIDTH) this.#readSome(keys, slice, asker)
    else tell(asker, this.#read(keys, slice))
  }

  async #read(keys: readonly string[], slice: ByteSliceClass | undefined): Promise<ReadGiven> {
    const read = (part: readonly string[]): Promise<ReadGiven> =>
      new Promise((came, failed) => this.#readSome(part, slice, { came, failed }))
    return joined(await Promise.all(pieces(keys, READ_WIDTH).map(read)))
  }

  write(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    return new Promise((came, failed) => this.beginWrite(items, { came, failed }))
  }

  beginWrite(items: readonly WriteItem[], asker: Asker<WriteOutcome[]>): void {
    const parts = batches(items, this.limits.maxValueBytes)
    const [first] = parts
    if (parts.length === 1 && first) this.#writeSome(first, asker)
    else tell(asker, this.#writeMany(parts))
  }

  async #writeMany(parts: readonly (readonly WriteItem[])[]): Promise<WriteOutcome[]> {
    const write = (part: readonly WriteItem[]): Promise<WriteOutcome[]> =>
      new Promise((came, failed) => this.#writeSome(part, { came, failed }))
    return joined(await Promise.all(parts.map(write)))
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

  #readSome(keys: readonly string[], slice: ByteSliceClass | undefined, asker: Asker<ReadGiven>): void {
    const { epoch, rows } = this.#link
    const alone = keys.length === 1
    if (!rows || keys.length === 0 || (!alone && this.#mgetRefused === epoch)) this.#readSlowly(keys, asker, epoch)
    else {
      const bytes = alone ? encodeGet(keys[0] as string) : encodeGets(keys)
      const read = new ReadRow(keys, slice, asker, epoch, this.#readRowRefused)
      this.#link.send(read, bytes, read)
    }
  }

  #readSlowly(keys: readonly string[], asker: Asker<ReadGiven>, epoch: number): void {
    const outcomes =
      keys.length > 1 && this.#mgetRefused === epoch
        ? this.#readEach(keys)
        : this.#readByClient(keys).catch((error: unknown) => this.#readRefused(keys, error, epoch))
    tell(asker, outcomes)
  }

  async #readByClient(keys: readonly string[]): Promise<ReadOutcome[]> {
    if (keys.length === 0) return []
    if (keys.length > 1) return this.#link.run((client) => client.mgetBuffer(keys), fitValues(keys.length))
    return [await this.#link.run((client) => client.getBuffer(keys[0] as string), fitValue)]
  }

  async #readRefused(keys: readonly string[], error: unknown, epoch: number): Promise<ReadOutcome[]> {
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

  #writeSome(items: readonly WriteItem[], asker: Asker<WriteOutcome[]>): void {
    const [item] = items
    if (item !== undefined && item.value.length > this.limits.maxValueBytes) {
      tell(asker, Promise.resolve([tooLarge(this.address, item.value)]))
    } else if (this.#link.rows) {
      this.#row('set', items.map(keyOf), encodeSets(items), fitOk, asker)
    } else {
      const set = (pipeline: Pipeline, { key, value, ttl }: WriteItem): unknown =>
        pipeline.set(key, asBuffer(value), 'PX', ttl)
      tell(asker, this.#pipeline(items, set, fitOk, this.#writeFailure))
    }
  }

  async #removeSome(keys: readonly string[]): Promise<RemoveOutcome[]> {
    const fit = this.#fitRemoved
    const outcomes = await (this.#link.rows
      ? new Promise<(boolean | NodeError)[]>((came, failed) =>
          this.#row('del', keys, encodeDels(keys), fit, { came, failed }),
        )
      : this.#pipeline(keys, (pipeline, key) => pipeline.del(key), fit, this.#writeFailure))
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
  #row<O>(name: string, keys: readonly string[], bytes: Buffer, fit: Fit<O>, asker: Asker<(O | NodeError)[]>): void {
    this.#link.send({ name, keys, replies: 'each', fit }, bytes, {
      came: (row) => asker.came(outcomesOf(row, this.#writeFailure)),
      refused: (error) => queueMicrotask(() => asker.came(this.#all(keys, error))),
    })
  }

  /** A key that holds a list or a set is none of ours: a miss, as MGET has it. */
  #readFailure(error: unknown): ReadOutcome {
    return redisWord(error) === 'WRONGTYPE' ? undefined : toNodeError(error, this.#peer)
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
