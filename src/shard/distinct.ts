import { NONE } from '../base/none.ts'
import { codeAt } from '../base/text.ts'
import { Places } from './places.ts'
import { WIDTH } from './turn.ts'

/** Up to so many keys are looked through; to look one up takes longer. */
const FEW = 8
/** A power of two; at most half of them are taken. */
const SLOTS = 2 * WIDTH

/**
 * The keys of a batch of reads, each once, and which of them each reader asked for. Found by what is known of a key already,
 * in a table of numbers: a map, which grows step by step and looks at texts, takes five times as long.
 */
export class Distinct extends Places {
  /** For each key that was taken in, the place of its name; complete when settled. */
  at: number[] = NONE
  #given: string[] | undefined
  #marks: number[] = NONE
  /** In each slot one more than the place of a name; 0 in a free one. */
  #slots: number[] | undefined

  /**
   * Takes in a key, which may be there. Not more than {@link WIDTH} different ones.
   *
   * @param mark a hash of it, always the same; `undefined` when none is known
   */
  take(key: string, mark: number | undefined): void {
    const known = mark ?? mix(key)
    if (this.#given === undefined) {
      this.#given = [key]
      this.#marks = [known]
      return
    }
    this.#given.push(key)
    this.#marks.push(known)
  }

  override has(key: string): boolean {
    this.settle()
    return super.has(key)
  }

  /** Finds the places of those that came since it was last asked. Says how many different keys there are. */
  settle(): number {
    const given = this.#given
    if (given === undefined) return 0
    if (this.at === NONE) this.at = [this.add(given[0] as string)]
    const { at } = this
    if (given.length > FEW) this.#slots ??= this.#index()
    for (let i = at.length; i < given.length; i++) {
      const name = given[i] as string
      // Not by push, which V8 calls, and does not build in, for numbers.
      at[i] = this.#slots === undefined ? this.#search(name) : this.#look(this.#slots, name, this.#marks[i] as number)
    }
    return this.names.length
  }

  #search(name: string): number {
    const place = this.names.indexOf(name)
    return place < 0 ? this.add(name) : place
  }

  #look(slots: number[], name: string, mark: number): number {
    const { names } = this
    let slot = mark & (SLOTS - 1)
    for (let taken = slots[slot] as number; taken !== 0; taken = slots[slot] as number) {
      if (names[taken - 1] === name) return taken - 1
      slot = (slot + 1) & (SLOTS - 1)
    }
    slots[slot] = names.length + 1
    return this.add(name)
  }

  /** A table of the few that were looked through. */
  #index(): number[] {
    const slots = Array<number>(SLOTS).fill(0)
    for (let i = 0; i < this.at.length; i++) {
      let slot = (this.#marks[i] as number) & (SLOTS - 1)
      while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1)
      slots[slot] = (this.at[i] as number) + 1
    }
    return slots
  }
}

function mix(key: string): number {
  let hash = key.length
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ codeAt(key, at), 0x9e37_79b1)
  return hash ^ (hash >>> 16)
}
