import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const BEAT = 5
/** A shorter gap between two beats is work, not a stall. */
const STALL = 15

/** For how long this process's event loop did not turn when it should have. */
export class StallMeter {
  #stalled = 0
  #last: number = performance.now()
  readonly #beat: NodeJS.Timeout = setInterval(() => this.total(), BEAT).unref()

  /** All stalls so far, in milliseconds, the one that a caller is just coming out of included. */
  total(): number {
    const now = performance.now()
    const late = now - this.#last - BEAT
    if (late > STALL) this.#stalled += late
    this.#last = now
    return this.#stalled
  }

  stop(): void {
    clearInterval(this.#beat)
  }
}

/** A gap that is shorter than this is how processes share a processor, in milliseconds. */
const THEFT = 25

/** For how long the machine did not run this process when it had work: gaps between two beats in which it used no processor. */
export class TheftMeter {
  #stolen = 0
  #last: number = performance.now()
  #used: number = processorTime()
  readonly #beat: NodeJS.Timeout = setInterval(() => this.total(), BEAT).unref()

  /** All of it so far, in milliseconds. */
  total(): number {
    const [now, used] = [performance.now(), processorTime()]
    const idle = now - this.#last - BEAT - (used - this.#used)
    if (idle > THEFT) this.#stolen += idle
    this.#last = now
    this.#used = used
    return this.#stolen
  }

  stop(): void {
    clearInterval(this.#beat)
  }
}

/** What all threads of this process have used, in milliseconds. */
function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** What nobody caught in this process, from now until it is stopped. */
export class UnhandledMeter {
  readonly errors: string[] = []
  readonly #note = (error: unknown): void => void this.errors.push(String(error))

  constructor() {
    process.on('unhandledRejection', this.#note)
    process.on('uncaughtException', this.#note)
  }

  stop(): void {
    process.off('unhandledRejection', this.#note)
    process.off('uncaughtException', this.#note)
  }
}

/** What keeps this process alive, counted by kind. */
export type Resources = ReadonlyMap<string, number>

export function resources(): Resources {
  const counts = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

/** What there is more of than there was, as `kind: surplus`. */
export function leftOver(before: Resources): string[] {
  return [...resources()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${kind}: ${count - (before.get(kind) ?? 0)}`)
}

let collect: (() => void) | undefined

/** The bytes in use on the heap once the garbage was collected. */
export function heapUsed(): number {
  if (!collect) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
  return process.memoryUsage().heapUsed
}
