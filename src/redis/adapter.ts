import { NodeError } from '../base/errors.ts'
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
import { asBuffer, batches, slices } from './batches.ts'
import type { Client, Pipeline } from './client.ts'
import { encodeDels, encodeGets, encodeSets } from './encode.ts'
import { isCommandRefused, redisWord, tooLarge, toNodeError, type Peer } from './errors.ts'
import { parseHistory, parseInfo } from './info.ts'
import type { Link } from './link.ts'
import { fitInfo, fitOk, fitPipeline, fitRemoved, fitRow, fitValue, fitValues, type Fit } from './replies.ts'
import { sendOne, sendRow, type RowReplies } from './row.ts'

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
  /** Whether it takes rows of commands; see `sendRow`. */
  readonly rows: boolean
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
  /** Whether its client takes rows of commands. */
  readonly #rows: boolean
  /** The connections on which MGET and EVAL were refused. */
  #mgetRefused = -1
  #evalRefused = -1

  constructor(link: Link, { peer, db, maxValueBytes, textNumbers, leases, rows }: AdapterSettings) {
    this.#link = link
    this.#rows = rows
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
      rows,
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

  read(keys: readonly string[]): Promise<ReadOutcome[]> {
    return keys.length <= READ_WIDTH ? this.#readSome(keys) : this.#readMany(keys)
  }

  async #readMany(keys: readonly string[]): Promise<ReadOutcome[]> {
    const parts = await Promise.all(slices(keys, READ_WIDTH).map((part) => this.#readSome(part)))
    return parts.flat()
  }

  write(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const parts = batches(items, this.limits.maxValueBytes)
    const [first] = parts
    return parts.length === 1 && first ? this.#writeSome(first) : this.#writeMany(parts)
  }

  async #writeMany(parts: readonly (readonly WriteItem[])[]): Promise<WriteOutcome[]> {
    return (await Promise.all(parts.map((part) => this.#writeSome(part)))).flat()
  }

  async remove(keys: readonly string[]): Promise<RemoveOutcome[]> {
    const parts = await Promise.all(slices(keys).map((part) => this.#removeSome(part)))
    return parts.flat()
  }

  reset(): void {
    this.#link.reset()
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  async #readSome(keys: readonly string[]): Promise<ReadOutcome[]> {
    if (keys.length === 0) return []
    const { epoch } = this.#link
    try {
      if (keys.length === 1) return [await this.#link.run((client) => this.#sendGets(client, keys), fitValue)]
      if (this.#mgetRefused !== epoch) {
        return await this.#link.run((client) => this.#sendGets(client, keys), fitValues(keys.length))
      }
    } catch (error) {
      if (keys.length === 1) return [this.#readFailure(error)]
      const refused = isCommandRefused(error)
      if (refused) this.#mgetRefused = epoch
      // One key that this user may not read refuses the whole MGET; one by one, it costs only itself.
      if (!refused && redisWord(error) !== 'NOPERM') return this.#all(keys, error)
    }
    return this.#pipeline(
      keys,
      (pipeline, key) => pipeline.getBuffer(key),
      fitValue,
      (error) => this.#readFailure(error),
    )
  }

  #sendGets(client: Client, keys: readonly string[]): Promise<unknown> {
    if (this.#rows) return sendOne(client, keys.length === 1 ? 'get' : 'mget', keys, encodeGets(keys))
    return keys.length === 1 ? client.getBuffer(keys[0] as string) : client.mgetBuffer(keys)
  }

  async #writeSome(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    const [item] = items
    if (item !== undefined && item.value.length > this.limits.maxValueBytes) {
      return [tooLarge(this.address, item.value)]
    }
    const failure = (error: unknown): NodeError => this.#writeFailure(error)
    if (this.#rows) return this.#row('set', items.map(keyOf), () => encodeSets(items), fitOk, failure)
    return this.#pipeline(
      items,
      (pipeline, { key, value, ttl }) => pipeline.set(key, asBuffer(value), 'PX', ttl),
      fitOk,
      failure,
    )
  }

  async #removeSome(keys: readonly string[]): Promise<RemoveOutcome[]> {
    const failure = (error: unknown): NodeError => this.#writeFailure(error)
    const outcomes = this.#rows
      ? await this.#row('del', keys, () => encodeDels(keys), this.#fitRemoved, failure)
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
  #pipeline<I, O>(
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
    return this.#outcomes(items, () => this.#link.run(send, fitPipeline(items.length, fit)), failure)
  }

  /** The same with a client of our own, for less. */
  #row<O>(
    name: string,
    keys: readonly string[],
    encode: () => Buffer,
    fit: Fit<O>,
    failure: (error: unknown) => O | NodeError,
  ): Promise<(O | NodeError)[]> {
    const send = (client: Client): Promise<unknown> => sendRow(client, name, keys, encode())
    return this.#outcomes(keys, () => this.#link.run(send, fitRow(keys.length, fit)), failure)
  }

  async #outcomes<O>(
    items: readonly unknown[],
    run: () => Promise<RowReplies<O>>,
    failure: (error: unknown) => O | NodeError,
  ): Promise<(O | NodeError)[]> {
    try {
      const { replies, errors } = await run()
      const outcomes = replies as (O | NodeError)[]
      for (const [at, error] of errors ?? []) outcomes[at] = failure(error)
      return outcomes
    } catch (error) {
      return this.#all(items, error)
    }
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
