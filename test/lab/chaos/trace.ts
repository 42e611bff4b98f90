/** How many lines are kept before a violation, and how many more are added after it. */
const BEFORE = 40
const AFTER = 10
/** How many events of one key are kept. */
const OF_KEY = 16

/** What happened last, and around the first violation. */
export class Trace {
  readonly #start: number = performance.now()
  readonly #lines: string[] = []
  readonly #keys = new Map<string, string[]>()
  #first: string[] | undefined
  #left = AFTER
  /** The first violations, in words. */
  readonly violations: string[] = []

  /** The lines around the first violation, if there was one. */
  get first(): readonly string[] | undefined {
    return this.#first
  }

  note(text: string): void {
    const line = `${this.#now()}  ${text}`
    this.#lines.push(line)
    if (this.#lines.length > BEFORE) this.#lines.shift()
    if (this.#first && this.#left-- > 0) this.#first.push(line)
  }

  /** Something that concerns one key. */
  noteKey(key: string, text: string): void {
    const lines = this.#keys.get(key) ?? []
    this.#keys.set(key, lines)
    lines.push(`${this.#now()}  ${text}`)
    if (lines.length > OF_KEY) lines.shift()
  }

  violation(text: string, key?: string): void {
    if (this.violations.length < 20) this.violations.push(text)
    if (this.#first) return
    const ofKey = key === undefined ? [] : [`what was done with ${key}:`, ...(this.#keys.get(key) ?? [])]
    this.#first = [...this.#lines, ...ofKey, `${this.#now()}  ${text}`, 'then:']
  }

  #now(): string {
    return `${((performance.now() - this.#start) / 1_000).toFixed(3).padStart(8)} s`
  }
}
