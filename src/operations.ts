import { waitFor, type Patience } from './base/caller.ts'
import { CALL, callOptions, PATIENT, patienceOf, useL1, WRITE } from './call-options.ts'
import { checkFunction } from './base/check.ts'
import { durationOr } from './base/duration.ts'
import { CacheError, quote, type NodeError } from './base/errors.ts'
import { hashTag } from './base/hash-tag.ts'
import type { Entry } from './entry/entry.ts'
import { checkKey } from './entry/key.ts'
import type { House } from './house.ts'
import { FRESH_ONLY, type Freshness } from './loading/freshness.ts'
import type { LoadFunction } from './loading/origin.ts'
import type { LoadKey } from './loading/request.ts'
import { oneLoader, type OneLoad } from './loading/result.ts'
import { isFailure } from './node/contract.ts'
import type { SpaceSettings } from './options.ts'
import { Getter, usable, type Pick } from './one-get.ts'
import { OneSet } from './one-set.ts'
import { prepareWrite, resultOf } from './prepare.ts'
import { nodeTime, Requests } from './requests.ts'
import type { Removal, Stored } from './shard/outcomes.ts'
import { targetOf } from './target.ts'
import type { TierKey } from './tier/key.ts'
import type { Found } from './tier/found.ts'
import type { DeleteResult, Explanation, WriteResult } from './types.ts'

/** What one view of the cache (the cache itself, or a space) does with keys: checks what callers give, then runs the house. */
export class Operations {
  readonly house: House
  readonly settings: SpaceSettings
  readonly #prefix: string
  readonly #requests: Requests

  /** @param prefix what stands before each key of this view: `''`, or a space's name and `:` */
  constructor(house: House, prefix: string, settings: SpaceSettings) {
    this.house = house
    this.settings = settings
    this.#prefix = prefix
    this.#requests = new Requests(house.settings, settings)
  }

  /** A key in all its forms. */
  target(name: unknown): LoadKey {
    const { settings, hash } = this.house
    // What is found to be ASCII has no lone surrogates.
    const text = typeof name === 'string' && name.length > 0 ? name : checkKey(name)
    return targetOf(text, this.#prefix, settings.namespace, hash)
  }

  /** Reads distinct keys, and tells what came of each, in their order: nothing where there is none, or an expired one. */
  async find(
    names: Iterable<string>,
    given: unknown,
    tell: (name: string, entry: Entry | undefined) => void,
  ): Promise<void> {
    const { house } = this
    house.assertOpen()
    const { how, patience } = this.#requests.read(given)
    const targets = this.#targets(names)
    const found = await this.#wait(house.tiers.read(targets, how), patience)
    const now = house.settings.clock.now()
    for (let i = 0; i < targets.length; i++) {
      const { name, key } = targets[i] as LoadKey
      tell(name, usable(house, key, found[i] as Found, FRESH_ONLY, now))
    }
  }

  /** Each of many keys in all its forms. Not by `Array.from`, which takes as long for a name as to hash it. */
  #targets(names: Iterable<string>): LoadKey[] {
    const targets: LoadKey[] = []
    for (const name of names) targets.push(this.target(name))
    return targets
  }

  /** A way to ask for one key; see {@link Operations.findOne}. */
  getter<T>(pick: Pick<T>, freshness: Freshness = FRESH_ONLY): Getter<T> {
    return new Getter(this.house, pick, freshness)
  }

  /** Reads one key, and resolves to what the getter picks of it. Everything that goes wrong is a rejection. */
  findOne<T>(name: string, given: unknown, getter: Getter<T>): Promise<T> {
    const { house } = this
    try {
      house.assertOpen()
      const { how, patience } = this.#requests.read(given)
      const entry = how.l1 === 'use' && typeof name === 'string' ? house.tiers.l1?.hit(this.#prefix + name) : undefined
      if (entry) {
        house.tally.hit(this.#prefix + name, 'l1')
        return Promise.resolve(getter.pick(entry, 'l1'))
      }
      return this.#wait(house.tiers.readOne(this.target(name), how, getter) as Promise<T>, patience)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** What L1 has of a key, now. */
  peek(name: string): unknown {
    const { l1 } = this.house.tiers
    // A key that is there was checked when it came.
    const entry = typeof name === 'string' ? l1?.peek(this.#prefix + name) : undefined
    if (!entry) checkKey(name)
    return entry?.value
  }

  /** Writes one key, as {@link Operations.write} does. Everything that goes wrong is a rejection. */
  writeOne(name: string, value: unknown, given: unknown): Promise<WriteResult> {
    const { house, settings } = this
    try {
      house.assertOpen()
      const options = callOptions(given, 'write options', WRITE)
      const patience = patienceOf(options)
      const ttl = durationOr(options, 'ttl', settings.policy.ttl)
      const write = prepareWrite(this.target(name), value, ttl, useL1(options), settings, house)
      const { key } = write.target
      house.flights.fence(key)
      const setting = new OneSet(house, key)
      house.tiers.writeOne(write, settings.form, nodeTime(house.settings.nodeTimeout, patience), true, setting)
      return this.#wait(setting.promise, patience)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /**
   * Writes distinct keys, all checked and encoded before the first byte leaves. One result each, in order. What is sent is
   * sent before this returns its promise, so that calls reach a node in the order in which they were made.
   */
  async write(values: ReadonlyMap<string, unknown>, given: unknown): Promise<WriteResult[]> {
    const { house, settings } = this
    house.assertOpen()
    const options = callOptions(given, 'write options', WRITE)
    const patience = patienceOf(options)
    const ttl = durationOr(options, 'ttl', settings.policy.ttl)
    const l1 = useL1(options)
    const writes = Array.from(values, ([name, value]) =>
      prepareWrite(this.target(name), value, ttl, l1, settings, house),
    )
    const targets = writes.map(({ target }) => target)
    const outcomes = await this.#change(targets, patience, failureOf, (ms) =>
      house.tiers.write(writes, settings.form, ms, true),
    )
    return outcomes.map(resultOf)
  }

  /** Removes distinct keys. One result each, in order. */
  async remove(names: Iterable<string>, given: unknown): Promise<DeleteResult[]> {
    return this.#drop(names, given, 'delete options', (targets, ms) => this.house.tiers.remove(targets, ms))
  }

  async #drop(
    names: Iterable<string>,
    given: unknown,
    what: string,
    run: (targets: readonly LoadKey[], ms: number) => Promise<Removal[]>,
  ): Promise<DeleteResult[]> {
    this.house.assertOpen()
    const options = callOptions(given, what, CALL)
    const patience = patienceOf(options)
    const targets = this.#targets(names)
    const removals = await this.#change(
      targets,
      patience,
      ({ error }: Removal) => error,
      (ms) => run(targets, ms),
    )
    return removals.map(({ status }) => ({ ok: status !== 'failed', status }))
  }

  /** Reads through: what is cached, else what the loader has. One value per distinct key, in order. */
  async load(names: Iterable<string>, load: LoadFunction, given: unknown): Promise<unknown[]> {
    const { house } = this
    house.assertOpen()
    const { how, patience } = this.#requests.load(given)
    const targets = this.#targets(names)
    const loading = house.loads.load(targets, load, how)
    return patience === PATIENT ? loading : this.#waitForLoad(loading, patience, targets)
  }

  /** The same for one key. Everything that goes wrong is a rejection. */
  loadOne(name: string, load: unknown, given: unknown): Promise<unknown> {
    const { house } = this
    try {
      if (typeof load !== 'function') checkFunction(load, 'the loader')
      house.assertOpen()
      const { how, patience } = this.#requests.load(given)
      const entry = typeof name === 'string' ? house.loads.inL1(this.#prefix + name, how) : undefined
      if (entry) return Promise.resolve(entry.value)
      const target = this.target(name)
      const loading = house.loads.loadOne(target, oneLoader(load as OneLoad), how)
      return patience === PATIENT ? loading : this.#waitForLoad(loading, patience, [target])
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  #waitForLoad<T>(loading: Promise<T>, patience: Patience, targets: readonly LoadKey[]): Promise<T> {
    return waitFor(loading, patience, this.house.deadlines, () => {
      const what = targets.map(({ name }) => name).join(', ')
      throw new CacheError('ERR_TIMEOUT', `there was no value of ${quote(what)} within ${patience.timeout} ms`)
    })
  }

  /** Makes distinct keys out of date. One result each, in order. */
  async expire(names: Iterable<string>, given: unknown): Promise<DeleteResult[]> {
    return this.#drop(names, given, 'expire options', (targets, ms) =>
      this.house.tiers.expire(targets, this.settings.form, ms),
    )
  }

  /** Runs a change of these keys between fences: loads of them that run are overtaken when it begins, and when it settles. */
  async #change<T>(
    targets: readonly TierKey[],
    patience: Patience,
    problem: (result: T) => NodeError | undefined,
    run: (ms: number) => Promise<T[]>,
  ): Promise<T[]> {
    const { flights, settings } = this.house
    const fence = (): void => {
      for (const { key } of targets) flights.fence(key)
    }
    fence()
    const results = await this.#wait(run(nodeTime(settings.nodeTimeout, patience)).finally(fence), patience)
    if (settings.onNodeError === 'throw') {
      for (const result of results) {
        const error = problem(result)
        if (error) throw error
      }
    }
    return results
  }

  explain(name: string): Explanation {
    const { hash, cluster } = this.house
    const { key, stored } = this.target(name)
    const { ring } = cluster.topology
    const [owner, ...fallbacks] = ring.locateMany(key, ring.ids.length)
    const tag = hashTag(key)
    return { key, storedKey: stored, tag, hash: hash.text(tag), owner: owner as string, fallbacks }
  }

  /** Waits unless the caller leaves. The caller's time-out needs no timer of its own here: it bounded each node's time. */
  #wait<T>(work: Promise<T>, { signal }: Patience): Promise<T> {
    if (!signal) return work
    return waitFor(work, { signal, timeout: undefined }, this.house.deadlines, () => undefined as never)
  }
}

function failureOf(outcome: Stored): NodeError | undefined {
  return isFailure(outcome) ? outcome : undefined
}
