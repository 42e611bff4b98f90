import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  NodeError,
  type Clock,
  type NodeAdapter,
  type NodeIdentity,
  type NodeInfo,
  type NodeLimits,
} from 'sharded-cache'
import type { ReadOutcome, RemoveOutcome, WriteItem, WriteOutcome } from 'sharded-cache'

/** What a file holds. */
interface Stored {
  key: string
  /** Base64. */
  value: string
  /** Wall-clock milliseconds: it has to mean the same after a restart. */
  until: number
}

/**
 * A node in a folder: one JSON file per key. Several processes may share the folder. Simple rather than complete: files of
 * entries that have expired read as misses, and stay until they are written again or removed.
 */
export class FileAdapter implements NodeAdapter {
  readonly address: string
  readonly limits: NodeLimits = { maxKeyBytes: 250, maxValueBytes: 1024 * 1024, ttlStep: 1 }
  readonly powers = { info: (): Promise<NodeInfo> => this.#info() }
  readonly #folder: string
  readonly #clock: Clock
  #closed = false

  constructor(folder: string, clock: Clock) {
    this.address = folder
    this.#folder = folder
    this.#clock = clock
  }

  async connect(): Promise<NodeIdentity> {
    if (this.#closed) throw this.#gone()
    await mkdir(this.#folder, { recursive: true })
    // A folder never restarts, so its path says who it is. A server would be told to `identified` of the context on each
    // new connection, before its first reply: what it brings back from its disk after a restart is known by that.
    return { runId: this.#folder, role: 'primary', version: '' }
  }

  read(keys: readonly string[]): Promise<ReadOutcome[]> {
    return this.#each(keys, async (key) => {
      const stored = await this.#live(key)
      return stored && Buffer.from(stored.value, 'base64')
    })
  }

  write(items: readonly WriteItem[]): Promise<WriteOutcome[]> {
    return this.#each(items, async ({ key, value, ttl }): Promise<'stored'> => {
      if (value.length > this.limits.maxValueBytes) {
        throw new NodeError('ERR_NODE', `a value of ${value.length} bytes is too large`)
      }
      const stored: Stored = { key, value: Buffer.from(value).toString('base64'), until: this.#clock.now() + ttl }
      const path = this.#path(key)
      // Readers see the old file or the new one, never half of it.
      const draft = `${path}.${randomUUID()}.tmp`
      await writeFile(draft, JSON.stringify(stored))
      await rename(draft, path)
      return 'stored'
    })
  }

  remove(keys: readonly string[]): Promise<RemoveOutcome[]> {
    return this.#each(keys, async (key) => {
      const stored = await this.#live(key)
      await rm(this.#path(key), { force: true })
      return stored ? 'deleted' : 'absent'
    })
  }

  /** There is no connection to throw away. */
  reset(): void {}

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }

  /** One outcome per key, in order; one after another, so that a key given twice is read, written or removed twice. */
  async #each<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<(R | NodeError)[]> {
    const outcomes: (R | NodeError)[] = []
    for (const item of items) outcomes.push(this.#closed ? this.#gone() : await run(item).catch(this.#asOutcome))
    return outcomes
  }

  /** What goes wrong with one key is that key's outcome, and tells nothing of the value. */
  readonly #asOutcome = (error: NodeJS.ErrnoException): NodeError =>
    error instanceof NodeError ? error : new NodeError('ERR_NODE', `${this.address}: ${error.code ?? 'failed'}`)

  async #live(key: string): Promise<Stored | undefined> {
    const text = await readFile(this.#path(key), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    if (text === undefined) return undefined
    const stored = JSON.parse(text) as Stored
    return stored.until > this.#clock.now() ? stored : undefined
  }

  /** A key may hold any character, and file systems differ in which names they tell apart; they all agree on hashes. */
  #path(key: string): string {
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex')}.json`)
  }

  async #info(): Promise<NodeInfo> {
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith('.json'))
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(this.#folder, name))).size))
    return { ...(await this.connect()), keys: names.length, bytes: sizes.reduce((sum, size) => sum + size, 0) }
  }

  #gone(): NodeError {
    return new NodeError('ERR_NODE_DOWN', `${this.address} was closed`)
  }
}
