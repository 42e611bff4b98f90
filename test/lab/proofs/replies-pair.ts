import type { ShardedCache } from '../../../src/cache.ts'
import { encodeReply } from './replies-frames.ts'
import type { Case, Surplus, Victim, Way } from './replies-cases.ts'
import { foreignGet } from '../../support/fleet.ts'
import { until, type TestServer } from '../../support/servers.ts'
import type { Proxy } from '../proxy.ts'
import { below, pick, seeded, type Random } from '../random.ts'
import type { Value } from '../truth.ts'
import type { Watch } from '../watch.ts'

/** Bytes added to each value: half of them would be half a value. */
export const PAD = 40
const PADDING = 'x'.repeat(PAD)
const KEYS = 24
/** How many calls are under way at once in a crowd. */
const CROWD = 32
const WIDTH = 10
/** How long a fault may wait for its byte, in milliseconds. */
const PATIENCE = 10_000

/** One node of the cache: a server behind a proxy of its own, and the keys it owns. */
export class Pair {
  readonly way: Way
  readonly keys: readonly string[]
  readonly proxy: Proxy
  /** Values that were not whole. */
  halves = 0
  /** Sets and deletes. */
  changes = 0
  readonly #cache: ShardedCache
  readonly #server: TestServer
  readonly #watch: Watch
  readonly #random: Random

  constructor(
    way: Way,
    id: string,
    parts: { cache: ShardedCache; watch: Watch; server: TestServer; proxy: Proxy; seed: number },
  ) {
    this.way = way
    this.#cache = parts.cache
    this.#watch = parts.watch
    this.#server = parts.server
    this.proxy = parts.proxy
    this.#random = seeded(parts.seed)
    const keys: string[] = []
    for (let i = 0; keys.length < KEYS; i++) {
      const key = `${id}-${i}`
      if (parts.cache.explain(key).owner === id) keys.push(key)
    }
    this.keys = keys
  }

  /** Waits until the node takes writes: its circuit is closed. Then all keys are there again. */
  async fill(): Promise<void> {
    // Always the same key: those whose write fails are misses until the node has removed them.
    await this.#store(this.keys[0])
    for (const key of this.keys) await this.#set(key)
  }

  /** How many bytes the reply to a GET has. */
  async replyLength(): Promise<number> {
    const [key = ''] = this.keys
    await this.#store(key)
    const before = this.proxy.counts.down.bytes
    await this.#get(key)
    return this.proxy.counts.down.bytes - before
  }

  /** Spoils one reply. Says whether that came about while nothing but the call in question was under way. */
  async strike({ victim, harm, at, split }: Case): Promise<boolean> {
    const { proxy } = this
    await this.#store(this.keys[0])
    const fault = harm.kind === 'insert' ? { kind: harm.kind, bytes: await this.#surplus(harm.surplus) } : harm
    if (split !== undefined) proxy.split(split, 'down')
    const rule = proxy.fault(fault, { at })
    await this.#suffer(victim)
    const struck = rule.count > 0
    // The circuit may be open, and nothing be read for a second.
    const strikes = async (): Promise<boolean> => {
      if (rule.count === 0) await this.#get(this.#key())
      return rule.count > 0
    }
    await until(strikes, `a byte ${at} for a fault to strike at`, PATIENCE)
    // Whatever the fault did to those behind it would be seen here.
    await this.burst()
    proxy.split(undefined)
    return struck
  }

  /** 32 calls at once, most of them reads. Returns how many keys they asked for. */
  async burst(): Promise<number> {
    let asked = 0
    const calls = Array.from({ length: CROWD }, () => {
      const chance = below(this.#random, CROWD)
      if (chance < 3) return this.#set(this.#key())
      if (chance < 4) return this.#delete(this.#key())
      if (chance < 8) {
        asked += WIDTH
        return this.#getMany()
      }
      asked++
      return this.#get(this.#key())
    })
    await Promise.all(calls)
    return asked
  }

  /** Calls one after another. Returns how many keys they asked for. */
  async row(): Promise<number> {
    await this.#set(this.#key())
    await this.#getMany()
    for (let i = 0; i < 6; i++) await this.#get(this.#key())
    if (below(this.#random, 4) === 0) await this.#delete(this.#key())
    return WIDTH + 6
  }

  async #suffer(victim: Victim): Promise<unknown> {
    const [key = ''] = this.keys
    switch (victim) {
      case 'get':
        return this.#get(key)
      case 'getMany':
        return this.#getMany()
      case 'set':
        return this.#set(key)
      case 'delete':
        return this.#delete(key)
      case 'crowd':
        return this.burst()
    }
  }

  async #store(key = ''): Promise<void> {
    await until(async () => (await this.#set(key)) === 'stored', 'a set to be stored', 60_000)
  }

  #set(key: string): Promise<string | undefined> {
    this.changes++
    return this.#watch.set(key)
  }

  #delete(key: string): Promise<string | undefined> {
    this.changes++
    return this.#watch.delete(key)
  }

  async #get(key: string): Promise<void> {
    this.#look(await this.#watch.get(key))
  }

  async #getMany(): Promise<void> {
    const from = below(this.#random, KEYS - WIDTH)
    const found = await this.#watch.getMany(this.keys.slice(from, from + WIDTH))
    for (const value of found?.values() ?? []) this.#look(value)
  }

  #look(value: Value | undefined): void {
    if (value !== undefined && value.pad !== PADDING) this.halves++
  }

  #key(): string {
    return pick(this.#random, this.keys)
  }

  async #surplus(surplus: Surplus): Promise<Uint8Array> {
    if (surplus === 'noise')
      return Uint8Array.from({ length: 1 + below(this.#random, 8) }, () => below(this.#random, 256))
    if (surplus !== 'duplicate') return Buffer.from(surplus)
    const key = this.keys[1] ?? ''
    await this.#store(key)
    const { storedKey } = this.#cache.explain(key)
    return encodeReply(this.way, storedKey, await foreignGet(this.#server, storedKey), this.#random)
  }
}
