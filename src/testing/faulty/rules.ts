import { OptionError } from '../../base/errors.ts'
import type { FaultOperation, FaultCode, FaultRule, Rule, WholeEffect } from './rule.ts'

/** Which member of a node an operation goes to. */
export interface Target {
  readonly role: 'primary' | 'replica'
  readonly address: string
}

/** A change of one byte of a value that is still to be read. */
export interface Flip {
  /** Where, as a part of the value's length: 0 up to 1. */
  readonly at: number
  /** What the byte is combined with, by exclusive or: 1 to 255. */
  readonly mask: number
  /** To be called once it is known whether there was a byte to flip; without one it was no strike. */
  done(flipped: boolean): void
}

/** What strikes one operation. */
export interface Verdict {
  readonly whole: WholeEffect | undefined
  /** By the key's index. */
  readonly errors: ReadonlyMap<number, FaultCode>
  /** By the key's index. */
  readonly flips: ReadonlyMap<number, Flip>
}

/** How often each fault has struck: operations for `delay`, `hang`, `drop` and `down`, keys for `error` and `corrupt`. */
export type FaultCounts = Record<FaultRule['fault'], number>

/** The most rules at a time: each is tried for each key. */
export const MAX_RULES = 1_000

interface Active {
  readonly rule: Rule
  struck: number
  /** Flips of which it is not known yet whether there is a byte to flip. */
  reserved: number
}

const NOTHING: Verdict = { whole: undefined, errors: new Map(), flips: new Map() }

/** The rules of one laboratory, in the order injected, and what they did. */
export class Rules {
  readonly counts: FaultCounts = { delay: 0, error: 0, hang: 0, drop: 0, corrupt: 0, down: 0 }
  readonly #random: () => number
  #active: readonly Active[] = []

  /** @param random the only source of chance: the same numbers and the same operations give the same faults */
  constructor(random: () => number) {
    this.#random = random
  }

  /**
   * Adds a rule behind the others; the function returned takes it back.
   *
   * @throws OptionError `ERR_OPTION` when there are {@link MAX_RULES}
   */
  add(rule: Rule): () => void {
    if (this.#active.length >= MAX_RULES) {
      throw new OptionError('ERR_OPTION', `there are ${MAX_RULES} rules already: take some back, or clear()`)
    }
    const active: Active = { rule, struck: 0, reserved: 0 }
    this.#active = [...this.#active, active]
    return () => this.#drop(active)
  }

  clear(): void {
    this.#active = []
  }

  /** Whether a rule has taken this member away. */
  isDown(target: Target): boolean {
    return this.#active.some(({ rule }) => rule.effect.fault === 'down' && reaches(rule, target))
  }

  /**
   * Decides what strikes an operation, and counts it.
   *
   * @param keys those of the operation; one `undefined` for an operation without keys
   */
  judge(operation: FaultOperation, target: Target, keys: readonly (string | undefined)[]): Verdict {
    if (this.#active.length === 0) return NOTHING
    if (this.isDown(target)) {
      this.counts.down++
      return { ...NOTHING, whole: { fault: 'down' } }
    }
    const errors = new Map<number, FaultCode>()
    const flips = new Map<number, Flip>()
    let open = keys.map((_, index) => index)
    for (const active of this.#active) {
      const { rule } = active
      if (!reaches(rule, target) || (rule.operation ?? operation) !== operation) continue
      const fitting = open.filter((index) => rule.fits(keys[index]))
      const { effect } = rule
      if (effect.fault !== 'error' && effect.fault !== 'corrupt') {
        if (fitting.length === 0 || !this.#strikes(active)) continue
        this.#count(active)
        return { whole: effect, errors, flips }
      }
      for (const index of fitting) {
        if (!this.#strikes(active)) continue
        if (effect.fault === 'corrupt') flips.set(index, this.#flip(active))
        else {
          this.#count(active)
          errors.set(index, effect.code)
        }
      }
      open = open.filter((index) => !errors.has(index) && !flips.has(index))
    }
    return { whole: undefined, errors, flips }
  }

  #flip(active: Active): Flip {
    active.reserved++
    return {
      // Drawn now and not with the answer: answers may come in any order.
      at: this.#random(),
      mask: 1 + Math.floor(this.#random() * 255),
      done: (flipped) => {
        active.reserved--
        if (flipped) this.#count(active)
      },
    }
  }

  #strikes({ rule, struck, reserved }: Active): boolean {
    if (struck + reserved >= rule.times) return false
    return rule.probability === 1 || this.#random() < rule.probability
  }

  #count(active: Active): void {
    this.counts[active.rule.effect.fault]++
    if (++active.struck >= active.rule.times) this.#drop(active)
  }

  #drop(active: Active): void {
    this.#active = this.#active.filter((each) => each !== active)
  }
}

function reaches({ member }: Rule, { role, address }: Target): boolean {
  return member === undefined || member === role || member === address
}
