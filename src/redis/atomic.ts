import { NodeError } from '../base/errors.ts'
import { AT_FLAGS, AT_VERSION, HEADER_BYTES, KIND_BITS, KINDS, VERSION_BYTES } from '../entry/envelope.ts'
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
} from '../node/atomic.ts'
import { asBuffer, batches, joined, pieces } from './batches.ts'
import type { Argument } from './client.ts'
import { encodeCommands, type Command } from './encode.ts'
import { isScriptRefused, redisWord, tooLarge } from './errors.ts'
import type { Link } from './link.ts'
import {
  fitOneOf,
  fitPipeline,
  fitPlaced,
  fitValue,
  UNFIT,
  type Fit,
  type FitOneOf,
  type RowReplies,
} from './replies.ts'
import { EXPIRE, FILL, LEASE, RELEASE, RENEW, timeBytes, type Script } from './scripts.ts'

/** What leases must know of their server. */
export interface AtomicSettings {
  readonly address: string
  readonly maxValueBytes: number
  /** Whether the client gives numbers as text. */
  readonly textNumbers: boolean
  /** Makes an error of ours of what the client library rejected with. */
  readonly failure: (error: unknown) => NodeError
}

/** One command about one key. */
interface Step<O> extends Command {
  readonly name: 'set' | 'eval' | 'evalsha'
  readonly key: string
  readonly fit: Fit<O>
  /** What does the same, where the server refused this without doing anything. */
  instead(error: Error): Step<O> | undefined
}

/** A script, run by the name by which the server knows it, or told as a whole. */
class ScriptStep<O> implements Step<O> {
  readonly name: 'eval' | 'evalsha'
  readonly key: string
  readonly args: readonly Argument[]
  readonly fit: Fit<O>
  readonly #script: Script
  readonly #rest: readonly Argument[]

  constructor(script: Script, key: string, rest: readonly Argument[], fit: Fit<O>, whole = false) {
    this.name = whole ? 'eval' : 'evalsha'
    this.key = key
    this.args = [whole ? script.text : script.sha, 1, key, ...rest]
    this.fit = fit
    this.#script = script
    this.#rest = rest
  }

  /** A server that has been restarted, or whose scripts were flushed, has to be told the text. */
  instead(error: Error): Step<O> | undefined {
    if (this.name === 'eval' || redisWord(error) !== 'NOSCRIPT') return undefined
    return new ScriptStep(this.#script, this.key, this.#rest, this.fit, true)
  }
}

/** A lease on a key that holds nothing: it needs no script. */
class PlaceStep implements Step<LeaseOutcome> {
  readonly name = 'set'
  readonly key: string
  readonly args: readonly Argument[]
  readonly #token: Uint8Array
  readonly #refused: () => Step<LeaseOutcome>

  /** @param refused gives what does the same, where the server does not take NX and GET together, as those before 7 */
  constructor({ key, token, placeholder, ms }: LeaseRequest, refused: () => Step<LeaseOutcome>) {
    this.key = key
    this.args = [key, asBuffer(placeholder), 'PX', ms, 'NX', 'GET']
    this.#token = token
    this.#refused = refused
  }

  fit(reply: unknown): LeaseOutcome | typeof UNFIT {
    const found = fitPlaced(reply)
    return found instanceof Uint8Array && isPlaceholderOf(found, this.#token) ? 'won' : found
  }

  instead(error: Error): Step<LeaseOutcome> | undefined {
    return redisWord(error) === 'ERR' && /syntax error/i.test(error.message) ? this.#refused() : undefined
  }
}

/**
 * Leases on a Redis server: scripts, each about one key, and as many in a pipeline as there are keys. A lease on a key that
 * holds nothing needs none; the server does it in a third of the time.
 */
export class RedisAtomic implements AtomicPower {
  readonly #link: Link
  readonly #settings: AtomicSettings
  readonly #fitHolder: Fit<'lost' | 'done'>
  readonly #fitLease: Fit<LeaseOutcome>
  readonly #fitExpire: Fit<ExpireOutcome>
  readonly #refusal: NodeError
  /** The connections on which scripts were refused, on which one has run, and on which SET with NX and GET was refused. */
  #refused = -1
  #ran = -1
  #setRefused = -1

  constructor(link: Link, settings: AtomicSettings) {
    this.#link = link
    this.#settings = settings
    const { address, textNumbers } = settings
    this.#fitHolder = fitOneOf(['lost', 'done'], textNumbers)
    this.#fitExpire = fitOneOf(['absent', 'deleted', 'expired'], textNumbers)
    const fitWon = fitOneOf<LeaseOutcome>(['held', 'won'], textNumbers)
    this.#fitLease = (reply) => {
      const value = fitValue(reply)
      return value === UNFIT ? fitWon(reply) : (value ?? UNFIT)
    }
    this.#refusal = new NodeError('ERR_NODE', `${address} does not let this user run scripts, which leases need`)
  }

  /** Whether this user may not run scripts, as far as is known of this connection. */
  get refused(): boolean {
    return this.#refused === this.#link.epoch
  }

  lease(requests: readonly LeaseRequest[]): Promise<LeaseOutcome[]> {
    return this.#inParts(pieces(requests), (request) => this.#leaseStep(request))
  }

  renew(requests: readonly RenewRequest[]): Promise<HolderOutcome[]> {
    return this.#inParts(
      pieces(requests),
      ({ key, token, ms }) => new ScriptStep(RENEW, key, [asBuffer(token), ms], this.#fitHolder),
    )
  }

  async fill(requests: readonly FillRequest[]): Promise<HolderOutcome[]> {
    const { address, maxValueBytes } = this.#settings
    const parts = batches(requests, maxValueBytes).map(async (batch): Promise<HolderOutcome[]> => {
      const [{ value: first }] = batch as [FillRequest]
      if (first.length > maxValueBytes) return [tooLarge(address, first)]
      return this.#run(
        batch.map(
          ({ key, token, value, ttl }) =>
            new ScriptStep(FILL, key, [asBuffer(token), asBuffer(value), ttl], this.#fitHolder),
        ),
      )
    })
    return joined(await Promise.all(parts))
  }

  release(requests: readonly TokenRequest[]): Promise<HolderOutcome[]> {
    return this.#inParts(
      pieces(requests),
      ({ key, token }) => new ScriptStep(RELEASE, key, [asBuffer(token)], this.#fitHolder),
    )
  }

  expire(requests: readonly ExpireRequest[]): Promise<ExpireOutcome[]> {
    return this.#inParts(
      pieces(requests),
      ({ key, now, version }) => new ScriptStep(EXPIRE, key, [timeBytes(now), asBuffer(version)], this.#fitExpire),
    )
  }

  /**
   * The first lease on a connection is taken by a script: so it is known that those may be run before there is a placeholder
   * that only a script can fill.
   */
  #leaseStep(request: LeaseRequest): Step<LeaseOutcome> {
    const { key, seen, token, placeholder, ms } = request
    const { epoch } = this.#link
    const before = seen === undefined ? '' : seen === 'any' ? seen : asBuffer(seen)
    const byScript = (): Step<LeaseOutcome> =>
      new ScriptStep(LEASE, key, [asBuffer(token), before, asBuffer(placeholder), ms], this.#fitLease)
    if (seen !== undefined || this.#ran !== epoch || this.#setRefused === epoch) return byScript()
    return new PlaceStep(request, () => {
      this.#setRefused = epoch
      return byScript()
    })
  }

  async #inParts<I, O>(parts: readonly (readonly I[])[], step: (item: I) => Step<O>): Promise<(O | NodeError)[]> {
    return joined(await Promise.all(parts.map((part) => this.#run(part.map(step)))))
  }

  async #run<O>(steps: readonly Step<O>[]): Promise<(O | NodeError)[]> {
    if (steps.length === 0) return []
    if (this.refused) return steps.map(() => this.#refusal)
    const { epoch } = this.#link
    const { replies, errors } = await this.#send(steps)
    const outcomes = replies as (O | NodeError)[]
    if ((errors?.size ?? 0) < steps.length) this.#ran = epoch
    if (!errors) return outcomes
    const again = new Map<number, Step<O>>()
    for (const [at, error] of errors) {
      const other = steps[at]?.instead(error)
      if (other) again.set(at, other)
      const refused = isScriptRefused(error)
      if (refused) this.#refused = epoch
      outcomes[at] = refused ? this.#refusal : this.#settings.failure(error)
    }
    if (again.size > 0) {
      const others = await this.#run([...again.values()])
      for (const [nth, at] of [...again.keys()].entries()) outcomes[at] = others[nth] as O | NodeError
    }
    return outcomes
  }

  /** Sends all in one piece. */
  async #send<O>(steps: readonly Step<O>[]): Promise<RowReplies<O>> {
    const fit = (reply: unknown, at: number): O | typeof UNFIT => (steps[at] as Step<O>).fit(reply)
    try {
      if (this.#link.rows) return await this.#sendRow(steps, fit)
      return await this.#link.run(
        (client) => {
          const pipeline = client.pipeline()
          for (const { name, args } of steps) pipeline[`${name}Buffer`](...args)
          return pipeline.exec()
        },
        fitPipeline(steps.length, fit),
      )
    } catch (error) {
      return { replies: steps.map(() => undefined), errors: new Map(steps.map((_, at) => [at, error as Error])) }
    }
  }

  #sendRow<O>(steps: readonly Step<O>[], fit: FitOneOf<O>): Promise<RowReplies<O>> {
    const [{ name }] = steps as readonly [Step<O>]
    const keys = steps.map(({ key }) => key)
    const bytes = encodeCommands(steps)
    return new Promise((resolve, reject) =>
      this.#link.send({ name, keys, replies: 'each', fit }, bytes, { came: resolve, refused: reject }),
    )
  }
}

function isPlaceholderOf(found: Uint8Array, token: Uint8Array): boolean {
  if (found.length < HEADER_BYTES || KINDS[(found[AT_FLAGS] as number) & KIND_BITS] !== 'lease') return false
  return Buffer.compare(found.subarray(AT_VERSION, AT_VERSION + VERSION_BYTES), token) === 0
}
