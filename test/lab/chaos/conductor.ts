import { strike, type FaultListener } from './faults.ts'
import { held, type Fault, type FaultKind, type Shape, type Step } from './plan.ts'
import type { Trace } from './trace.ts'
import type { World } from './world.ts'

/** Makes the faults of a walk at their time, and heals them. */
export class Conductor {
  readonly counts: Partial<Record<FaultKind, number>> = {}
  readonly #world: World
  readonly #shape: Shape
  readonly #trace: Trace
  readonly #tell: FaultListener
  readonly #now = new Set<string>()
  /** What each place that a fault can hold is waiting for. */
  readonly #busy = new Map<string, Promise<void>>()

  constructor(world: World, shape: Shape, trace: Trace, tell: FaultListener) {
    this.#world = world
    this.#shape = shape
    this.#trace = trace
    this.#tell = tell
  }

  /** The faults that are not healed yet, in words. */
  get now(): string[] {
    return [...this.#now]
  }

  /** Resolves when all steps are done and healed, not before `ms` have passed. */
  async play(steps: readonly Step[], ms: number): Promise<void> {
    const began = performance.now()
    const at = (time: number): Promise<void> => pause(time - (performance.now() - began))
    const all: Promise<void>[] = []
    for (const step of steps) {
      await at(step.at)
      all.push(this.#take(step))
    }
    await at(ms)
    const failed = (await Promise.allSettled(all)).find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
  }

  /** A fault that comes late, since healing the one before took its time, keeps the others of its place waiting. */
  async #take(step: Step): Promise<void> {
    const places = held(step.fault, this.#shape)
    const before = Promise.allSettled(places.map((place) => this.#busy.get(place) ?? Promise.resolve()))
    const done = before.then(() => this.#perform(step))
    const settled = done.catch(() => {})
    for (const place of places) this.#busy.set(place, settled)
    await done
  }

  async #perform(step: Step): Promise<void> {
    const { fault, ms } = step
    const words = describeFault(fault)
    this.counts[fault.kind] = (this.counts[fault.kind] ?? 0) + 1
    this.#trace.note(`${words}: begins`)
    this.#now.add(words)
    try {
      if (fault.kind === 'stall') return stall(ms)
      const heal = await strike(step, this.#world, this.#tell)
      await pause(ms)
      await heal()
    } finally {
      this.#now.delete(words)
      this.#trace.note(`${words}: ends`)
    }
  }
}

/** A fault in words: its kind, where, and how. */
export function describeFault({ kind, ...rest }: Fault): string {
  const { server, cache, node, ...how } = { server: undefined, cache: undefined, node: undefined, ...rest }
  const where = [server ?? node ?? '', cache === undefined ? '' : `for ${'ab'[cache]}`]
  const details = Object.entries(how).map(([name, value]) => `${name} ${JSON.stringify(value ?? 'both')}`)
  return [kind, ...where, ...details].filter((word) => word !== '').join(' ')
}

function stall(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

function pause(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms))
}
