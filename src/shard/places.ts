/** Up to so many names are looked through; to set up a map takes longer. */
const FEW = 8

/** The keys of a batch, and the place of each. */
export class Places {
  readonly names: string[] = []
  #places: Map<string, number> | undefined

  /** The place of a key; less than 0 for one that is not there. */
  of(key: string): number {
    return this.#places === undefined ? this.names.indexOf(key) : (this.#places.get(key) ?? -1)
  }

  has(key: string): boolean {
    return this.of(key) >= 0
  }

  /** Takes a key in, and says at which place. */
  add(key: string): number {
    const place = this.names.push(key) - 1
    if (this.#places) this.#places.set(key, place)
    else if (place === FEW) {
      this.#places = new Map()
      for (let at = 0; at <= place; at++) this.#places.set(this.names[at] as string, at)
    }
    return place
  }
}
