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
import { asBuffer, batches, slices } from './batches.ts'
import type { Argument, LeaseCommands } from './client.ts'
import { isScriptRefused, redisWord, tooLarge } from './errors.ts'
import type { Link } from './link.ts'
import { fitOneOf, fitPlaced, fitResults, fitValue, UNFIT, type Fit, type Result } from './replies.ts'
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
interface Step<O> {
  send(to: LeaseCommands): unknown
  readonly fit: Fit<O>
  /** What does the same, where the server refused this without doing anything. */
  instead?(error: Error): Step<O> | undefined
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
    return this.#inParts(slices(requests), (request) => this.#leaseStep(request))
  }

  renew(requests: readonly RenewRequest[]): Promise<HolderOutcome[]> {
    return this.#inParts(slices(requests), ({ key, token, ms }) =>
      scriptStep(RENEW, key, [asBuffer(token), ms], this.#fitHolder),
    )
  }

  async fill(requests: readonly FillRequest[]): Promise<HolderOutcome[]> {
    const { address, maxValueBytes } = this.#settings
    const parts = batches(requests, maxValueBytes).map(async (batch): Promise<HolderOutcome[]> => {
      const [{ value: first }] = batch as [FillRequest]
      if (first.length > maxValueBytes) return [tooLarge(address, first)]
      return this.#run(
        batch.map(({ key, token, value, ttl }) =>
          scriptStep(FILL, key, [asBuffer(token), asBuffer(value), ttl], this.#fitHolder),
        ),
      )
    })
    return (await Promise.all(parts)).flat()
  }

  release(requests: readonly TokenRequest[]): Promise<HolderOutcome[]> {
    return this.#inParts(slices(requests), ({ key, token }) =>
      scriptStep(RELEASE, key, [asBuffer(token)], this.#fitHolder),
    )
  }

  expire(requests: readonly ExpireRequest[]): Promise<ExpireOutcome[]> {
    return this.#inParts(slices(requests), ({ key, now, version }) =>
      scriptStep(EXPIRE, key, [timeBytes(now), asBuffer(version)], this.#fitExpire),
    )
  }

  /**
   * The first lease on a connection is taken by a script: so it is known that those may be run before there is a placeholder
   * that only a script can fill.
   */
  #leaseStep({ key, seen, token, placeholder, ms }: LeaseRequest): Step<LeaseOutcome> {
    const { epoch } = this.#link
    const before = seen === undefined ? '' : seen === 'any' ? seen : asBuffer(seen)
    const byScript = (): Step<LeaseOutcome> =>
      scriptStep(LEASE, key, [asBuffer(token), before, asBuffer(placeholder), ms], this.#fitLease)
    if (seen !== undefined || this.#ran !== epoch || this.#setRefused === epoch) return byScript()
    return {
      send: (to) => to.setBuffer(key, asBuffer(placeholder), 'PX', ms, 'NX', 'GET'),
      fit: (reply) => {
        const found = fitPlaced(reply)
        return found instanceof Uint8Array && isPlaceholderOf(found, token) ? 'won' : found
      },
      // Servers before 7 do not take the two together.
      instead: (error) => {
        if (redisWord(error) !== 'ERR' || !/syntax error/i.test(error.message)) return undefined
        this.#setRefused = epoch
        return byScript()
      },
    }
  }

  async #inParts<I, O>(parts: readonly (readonly I[])[], step: (item: I) => Step<O>): Promise<(O | NodeError)[]> {
    return (await Promise.all(parts.map((part) => this.#run(part.map(step))))).flat()
  }

  async #run<O>(steps: readonly Step<O>[]): Promise<(O | NodeError)[]> {
    if (steps.length === 0) return []
    if (this.refused) return steps.map(() => this.#refusal)
    const { epoch } = this.#link
    const results = await this.#send(steps)
    const again = new Map<number, Step<O>>()
    const outcomes = results.map((result, index) => {
      if ('reply' in result) {
        this.#ran = epoch
        return result.reply
      }
      const { error } = result
      const other = steps[index]?.instead?.(error)
      if (other) again.set(index, other)
      if (!isScriptRefused(error)) return this.#settings.failure(error)
      this.#refused = epoch
      return this.#refusal
    })
    if (again.size > 0) {
      const others = await this.#run([...again.values()])
      for (const [nth, index] of [...again.keys()].entries()) outcomes[index] = others[nth] as O | NodeError
    }
    return outcomes
  }

  /** Sends all in one piece. */
  async #send<O>(steps: readonly Step<O>[]): Promise<readonly Result<O>[]> {
    try {
      const [only] = steps as [Step<O>]
      if (steps.length === 1) {
        return [{ reply: await this.#link.run((client) => only.send(client) as Promise<unknown>, only.fit) }]
      }
      const fit = (reply: unknown, index: number): O | typeof UNFIT => (steps[index] as Step<O>).fit(reply)
      return await this.#link.run(
        (client) => {
          const pipeline = client.pipeline()
          for (const step of steps) step.send(pipeline)
          return pipeline.exec()
        },
        fitResults(steps.length, fit),
      )
    } catch (error) {
      return steps.map(() => ({ error: error as Error }))
    }
  }
}

function scriptStep<O>({ text, sha }: Script, key: string, args: readonly Argument[], fit: Fit<O>): Step<O> {
  return {
    send: (to) => to.evalshaBuffer(sha, 1, key, ...args),
    fit,
    // A server that has been restarted, or whose scripts were flushed, has to be told the text.
    instead: (error) =>
      redisWord(error) === 'NOSCRIPT' ? { send: (to) => to.evalBuffer(text, 1, key, ...args), fit } : undefined,
  }
}

function isPlaceholderOf(found: Uint8Array, token: Uint8Array): boolean {
  if (found.length < HEADER_BYTES || KINDS[(found[AT_FLAGS] as number) & KIND_BITS] !== 'lease') return false
  return Buffer.compare(found.subarray(AT_VERSION, AT_VERSION + VERSION_BYTES), token) === 0
}
