import { NONE } from '../base/none.ts'

/** Up to so many names are looked through; to set up a set takes longer. */
const FEW = 8

/** The keys of a batch, each with a place. */
export class Places {
  names: string[] = NONE
  /** Those of the first places, up to where one was looked up last: what only adds sets up no set. */
  #known: Set<string> | undefined
  #knownTo = 0

  has(key: string): boolean {
    return this.names.length <= FEW ? this.names.includes(key) : this.#look().has(key)
  }

  /** Takes a key in, and says at which place. */
  add(key: string): number {
    if (this.names !== NONE) return this.names.push(key) - 1
    this.names = [key]
    return 0
  }

  #look(): Set<string> {
    const known = (this.#known ??= new Set())
    const { names } = this
    for (; this.#knownTo < names.length; this.#knownTo++) known.add(names[this.#knownTo] as string)
    return known
  }
}
