/** Up to so many names are looked through; to set up a map takes longer. */
const FEW = 8

/** The keys of a batch, and the place of each. */
export class Places {
  readonly names: string[] = []
  /** The places of those of the first names that were there when one was looked up last: what only adds sets up no map. */
  #places: Map<string, number> | undefined
  #mapped = 0

  /** The place of a key, one of them if it is there twice; less than 0 for one that is not there. */
  of(key: string): number {
    return this.names.length <= FEW ? this.names.indexOf(key) : (this.#map().get(key) ?? -1)
  }

  has(key: string): boolean {
    return this.of(key) >= 0
  }

  /** Takes a key in, and says at which place. */
  add(key: string): number {
    return this.names.push(key) - 1
  }

  #map(): Map<string, number> {
    const places = (this.#places ??= new Map())
    const { names } = this
    for (; this.#mapped < names.length; this.#mapped++) places.set(names[this.#mapped] as string, this.#mapped)
    return places
  }
}
