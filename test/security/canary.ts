import { inspect } from 'node:util'
import { vi } from 'vitest'
import type { CacheEvents, EventType } from '../../src/base/events.ts'
import type { ShardedCache } from '../../src/cache.ts'

/** Stands in every secret of these tests, so that one search finds them all; and nowhere else, in no stack either. */
export const CANARY = 'kanarie7'

/** A secret: a password, a private key's text, a value. With what URLs, shells and regular expressions trip over. */
export function secret(what: string): string {
  return `${CANARY}-${what}:/@%#?"é`
}

const bytes = Buffer.from(CANARY)
/** What a secret looks like as text, and as bytes in hex and base64. */
const FORMS: readonly string[] = [
  CANARY,
  bytes.toString('hex'),
  // The letters that do not depend on what stands before and behind, which shifts them in three ways.
  bytes.toString('base64').slice(0, 10),
  Buffer.from(`.${CANARY}`).toString('base64').slice(2, 11),
  Buffer.from(`..${CANARY}`).toString('base64').slice(3, 12),
]
/** And as bytes printed, by `inspect` and as JSON, without blanks and indices. */
const PRINTED: readonly string[] = [bytes.toString('hex'), [...bytes].join(',')]

/** The lines in which a text gives a secret away. */
export function leaks(text: string): string[] {
  const lines = text.split('\n').filter((line) => FORMS.some((form) => line.toLowerCase().includes(form.toLowerCase())))
  const packed = text.replaceAll(/"\d+":|\s/g, '')
  return PRINTED.some((form) => packed.includes(form)) ? [...lines, 'its bytes'] : lines
}

/** Everything that somebody could print of a thing: inspected to the bottom, as JSON, as a string, its stack and causes. */
export function told(...things: readonly unknown[]): string {
  const parts: string[] = []
  const seen = new Set<unknown>()
  const tell = (thing: unknown): void => {
    parts.push(inspect(thing, { depth: 20, showHidden: true, maxStringLength: null, maxArrayLength: null }))
    if (typeof thing === 'string') parts.push(thing)
    if (typeof thing !== 'object' || thing === null || seen.has(thing)) return
    seen.add(thing)
    parts.push(JSON.stringify(thing) ?? '', Object.prototype.toString.call(thing))
    if (!(thing instanceof Error)) return
    parts.push(String(thing), thing.message, thing.stack ?? '')
    for (const name of Reflect.ownKeys(thing)) tell((thing as unknown as Record<PropertyKey, unknown>)[name])
    tell(thing.cause)
  }
  for (const thing of things) tell(thing)
  return parts.join('\n')
}

/** The types of events there are, by the cache's own word: one that is added later is heard too. */
function eventTypes(cache: ShardedCache): EventType[] {
  try {
    cache.on('' as never, () => {})
  } catch (error) {
    return (/; known: (.*)$/.exec((error as Error).message)?.[1] ?? '').split(', ') as EventType[]
  }
  return []
}

/** Hears all that is said while it watches: events of all types, the console, both output streams, process warnings. */
export class Watch {
  readonly heard: unknown[] = []
  readonly #types = new Set<string>()
  readonly #warned = (warning: Error): void => void this.heard.push(warning)

  constructor() {
    for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir'] as const)
      vi.spyOn(console, method).mockImplementation((...said: unknown[]) => void this.heard.push(said))
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation((said: unknown) => {
        this.heard.push(String(said))
        return true
      })
    process.on('warning', this.#warned)
  }

  /** The types of the events that were heard. */
  get types(): ReadonlySet<string> {
    return this.#types
  }

  listen(cache: ShardedCache): void {
    for (const type of eventTypes(cache))
      cache.on(type, (event: CacheEvents[EventType]) => {
        this.#types.add(event.type)
        this.heard.push(event)
      })
  }

  /** Notes down what a call was rejected with. What it resolves to is its caller's, and may be the value. */
  async catch(call: () => unknown): Promise<unknown> {
    try {
      await call()
      return undefined
    } catch (error) {
      this.heard.push(error)
      return error
    }
  }

  /** Ends it; gives all that was heard, as text. */
  stop(): string {
    process.off('warning', this.#warned)
    vi.restoreAllMocks()
    return told(...this.heard)
  }
}

/** A value to keep secret, and a key for it. */
export const VALUE: Readonly<Record<string, unknown>> = { card: secret('value'), list: [secret('inner')] }

/** Makes every call there is, on keys of which at least one is on each node; notes down what they are rejected with. */
export async function exercise(cache: ShardedCache, watch: Watch, keys: readonly string[]): Promise<void> {
  const [key = 'key'] = keys
  const pairs = keys.map((each): [string, unknown] => [each, VALUE])
  watch.heard.push(await cache.set(key, VALUE).catch((error: unknown) => error))
  watch.heard.push(await cache.setMany(pairs).catch((error: unknown) => error))
  for (const reads of ['primary', 'replica', 'nearest'] as const) {
    await watch.catch(() => cache.get(key, { reads }))
    await watch.catch(() => cache.getMany(keys, { reads }))
  }
  await watch.catch(() => cache.getEntry(key))
  await watch.catch(() => cache.has(key))
  await watch.catch(() => cache.get(key, { timeout: 1 }))
  await watch.catch(() => cache.getOrLoad(key, () => VALUE))
  await watch.catch(() => cache.getOrLoad(key, () => VALUE, { cache: 'refresh', timeout: 1 }))
  await watch.catch(() => cache.getOrLoadMany(keys, () => new Map(pairs)))
  await watch.catch(() => cache.wrap(() => VALUE, { key: () => key }).refresh())
  watch.heard.push(await cache.delete(key).catch((error: unknown) => error))
  watch.heard.push(await cache.deleteMany(keys).catch((error: unknown) => error))
  watch.heard.push(await cache.expire(key).catch((error: unknown) => error))
  watch.heard.push(cache.stats(), await cache.health().catch((error: unknown) => error), cache.explain(key), cache)
}
