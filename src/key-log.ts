import { TextDecoder } from 'node:util'
import { checkCount, checkFunction, checkIterable, checkOptions } from './base/check.ts'
import { OptionError, quote } from './base/errors.ts'
import type { CacheEvents } from './base/events.ts'

/** What {@link recordKeys} listens to: a cache. */
export interface KeySource {
  /** Listens to reads; returns the function that stops listening. */
  on(type: 'hit' | 'miss', listener: (event: CacheEvents['hit' | 'miss']) => unknown): () => void
}

/** Options of {@link recordKeys}. */
export interface RecordKeysOptions {
  /** The share of reads that are recorded, above 0 and at most 1; 1 unless given. */
  sample?: number
  /** Numbers in [0, 1); `Math.random` unless given. For tests. */
  random?: () => number
}

/**
 * Writes down which keys are read: a line for each hit and each miss, or for a share of them. {@link readKeyLog} reads it
 * back. The keys are those of the cache: with the prefix of their space, without the namespace.
 *
 * A warm-up reads too: begin to record when it is over, or tomorrow's log holds all of today's.
 *
 * @param write is given one line, `\n` included, in ASCII but for what JSON leaves as it is; what it throws harms nobody
 * @returns the function that stops it
 * @throws OptionError `ERR_OPTION`
 * @example
 * const file = createWriteStream('keys.log')
 * const stop = recordKeys(cache, (line) => file.write(line), { sample: 0.01 })
 */
export function recordKeys(
  cache: KeySource,
  write: (line: string) => unknown,
  options: RecordKeysOptions = {},
): () => void {
  checkFunction(write, 'write')
  const { sample = 1, random = Math.random } = checkOptions(options, 'the options of recordKeys', ['sample', 'random'])
  if (typeof sample !== 'number' || !(sample > 0 && sample <= 1)) {
    throw new OptionError('ERR_OPTION', `sample must be above 0 and at most 1; given: ${quote(sample)}`)
  }
  checkFunction(random, 'random')
  const chance = random as () => number
  // What write returns is passed on: a promise that rejects is counted with the listeners that failed.
  const record = ({ key }: { key: string }): unknown => (chance() < sample ? write(lineOf(key)) : undefined)
  const stops = [cache.on('hit', record), cache.on('miss', record)]
  return () => {
    for (const stop of stops) stop()
  }
}

/** Options of {@link readKeyLog}. */
export interface ReadKeyLogOptions {
  /** Only keys that begin with this, and without it: `'user:'` for the space `user`. All keys, whole, unless given. */
  prefix?: string
  /** How many keys are remembered to drop those that come again; 100,000 unless given. */
  remember?: number
  /** Told of each line that is damaged and left out, by its number, counted from 1. */
  onSkipped?: (line: number) => void
}

/** What a line holds at most, in characters; a longer one is damaged. It bounds what a file without line ends costs. */
const MAX_LINE = 1024 * 1024

/** What the decoder makes of bytes that are no UTF-8. {@link recordKeys} never writes it as it is. */
const DAMAGED = '\ufffd'

/**
 * The keys of a log that {@link recordKeys} wrote: one JSON string per line. A key that comes again is left out, as far
 * back as is remembered; a line that is damaged (the last one, after a crash) is left out and told to `onSkipped`.
 *
 * @param chunks the log as it comes, cut anywhere, with its line ends: a file's stream, say
 * @throws OptionError `ERR_OPTION`, at once
 * @example
 * await cache.warm(readKeyLog(createReadStream('keys.log')), loadMany)
 * await users.warm(readKeyLog(createReadStream('keys.log'), { prefix: 'user:' }), loadUsers) // a space
 */
export function readKeyLog(
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  options: ReadKeyLogOptions = {},
): AsyncGenerator<string, void, undefined> {
  const known = ['prefix', 'remember', 'onSkipped']
  const { prefix = '', remember = 100_000, onSkipped = () => {} } = checkOptions(options, 'key log options', known)
  if (typeof prefix !== 'string') {
    throw new OptionError('ERR_OPTION', `prefix must be a string; given: ${quote(prefix)}`)
  }
  const most = checkCount(remember, 'remember')
  checkFunction(onSkipped, 'onSkipped')
  const asynchronous = typeof chunks === 'object' && chunks !== null && Symbol.asyncIterator in chunks
  if (!asynchronous) checkIterable(chunks, 'the chunks of a key log')
  return distinctKeys(chunks, prefix, new Recent(most), onSkipped as (line: number) => void)
}

async function* distinctKeys(
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
  prefix: string,
  recent: Recent,
  onSkipped: (line: number) => void,
): AsyncGenerator<string, void, undefined> {
  let number = 0
  for await (const line of linesOf(chunks)) {
    number++
    if (line === '') continue
    const key = keyOf(line)
    if (key === undefined) onSkipped(number)
    else if (key.length > prefix.length && key.startsWith(prefix) && recent.add(key)) yield key.slice(prefix.length)
  }
}

/** The lines of a text that comes in pieces, without their ends. Of one that is too long only the beginning is given. */
async function* linesOf(
  chunks: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + textOf(chunk, decoder)).split('\n')
    rest = (lines.pop() as string).slice(0, MAX_LINE + 1)
    yield* lines
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}

function textOf(chunk: unknown, decoder: TextDecoder): string {
  if (typeof chunk === 'string') return chunk
  if (chunk instanceof Uint8Array) return decoder.decode(chunk, { stream: true })
  throw new OptionError('ERR_OPTION', `a key log comes in strings or bytes; given: ${quote(chunk)}`)
}

function keyOf(line: string): string | undefined {
  if (line.length > MAX_LINE || line.includes(DAMAGED)) return undefined
  try {
    const key: unknown = JSON.parse(line)
    return typeof key === 'string' && key !== '' && key.isWellFormed() ? key : undefined
  } catch {
    return undefined
  }
}

function lineOf(key: string): string {
  return `${JSON.stringify(key).replaceAll(DAMAGED, String.raw`\ufffd`)}\n`
}

/** The last distinct keys seen: bounded, the longest unseen forgotten first. */
class Recent {
  readonly #keys = new Set<string>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  /** Says whether the key is new. */
  add(key: string): boolean {
    const isNew = !this.#keys.delete(key)
    this.#keys.add(key)
    if (this.#keys.size > this.#most) this.#keys.delete(this.#keys.values().next().value as string)
    return isNew
  }
}
