import type { Patience } from './base/caller.ts'
import { checkOneOf, type Unchecked } from './base/check.ts'
import { callOptions, LOAD, NONE, patienceOf, PATIENT, READ, useL1 } from './call-options.ts'
import { checkLoadPolicy } from './loading/policy.ts'
import type { LoadRequest } from './loading/request.ts'
import type { Settings, SpaceSettings } from './options.ts'
import { checkReadPolicy, type ReadPolicy } from './shard/read-policy.ts'
import type { TierRead } from './tier/asked.ts'

/** How a call is made: what its options say, where they say nothing its space, and else the cache. */
export interface Request<R> {
  readonly how: R
  readonly patience: Patience
}

/** Makes requests of options. Most calls have none, and many have the same ones each time: those are looked at once. */
export class Requests {
  readonly #cache: Settings
  readonly #space: SpaceSettings
  readonly #usualRead: Request<TierRead>
  readonly #usualLoad: Request<LoadRequest>
  readonly #frozenLoads = new WeakMap<object, Request<LoadRequest>>()

  constructor(cache: Settings, space: SpaceSettings) {
    this.#cache = cache
    this.#space = space
    this.#usualRead = this.#newRead(NONE)
    this.#usualLoad = this.#newLoad(NONE)
  }

  /** @throws OptionError `ERR_OPTION`; the signal's reason when it is aborted already */
  read(given: unknown): Request<TierRead> {
    return given === undefined ? this.#usualRead : this.#newRead(callOptions(given, 'read options', READ))
  }

  /** The same for a load. Options that are frozen and have neither signal nor time-out are looked at once. */
  load(given: unknown): Request<LoadRequest> {
    if (given === undefined) return this.#usualLoad
    const known = this.#frozenLoads.get(given as object)
    if (known) return known
    const request = this.#newLoad(callOptions(given, 'load options', LOAD))
    if (request.patience === PATIENT && Object.isFrozen(given)) this.#frozenLoads.set(given as object, request)
    return request
  }

  #newRead(options: Unchecked): Request<TierRead> {
    const patience = patienceOf(options)
    const { form } = this.#space
    const timeout = nodeTime(this.#cache.nodeTimeout, patience)
    return { how: { form, reads: this.#reads(options), timeout, l1: useL1(options) ? 'use' : 'off' }, patience }
  }

  #newLoad(options: Unchecked): Request<LoadRequest> {
    const patience = patienceOf(options)
    const { form, policy } = this.#space
    const { nodeTimeout, onNodeError } = this.#cache
    const l1 = useL1(options)
    const mode =
      options['cache'] === undefined ? 'use' : checkOneOf(options['cache'], 'cache', ['use', 'refresh', 'bypass'])
    const read: TierRead = { form, reads: this.#reads(options), timeout: nodeTimeout, l1: l1 ? 'fill' : 'off' }
    const strict = onNodeError === 'throw'
    return { how: { form, read, l1, mode, policy: checkLoadPolicy(options, policy), strict }, patience }
  }

  #reads(options: Unchecked): ReadPolicy {
    return options['reads'] === undefined ? this.#space.reads : checkReadPolicy(options['reads'])
  }
}

/** How long a node may take for a caller, in milliseconds. */
export function nodeTime(nodeTimeout: number, { timeout }: Patience): number {
  return timeout === undefined ? nodeTimeout : Math.min(nodeTimeout, timeout)
}
