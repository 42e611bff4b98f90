import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ShardedCache } from '../../src/cache.ts'
import { Flight, Flights } from '../../src/loading/flight.ts'
import { ManualClock, seededRandom } from '../../src/testing/index.ts'
import { makeCache, turn } from '../support/caches.ts'
import { steppedNode, Steps } from '../support/steps.ts'

/** What happens at some time during a run; its commands and its loader take turns with those of the others. */
type Actor = 'load 1' | 'load 2' | 'delete' | 'set' | 'expire'

interface Setting {
  readonly actors: readonly Actor[]
  /** In how many processes, as it were: the second load runs in another one if there are two. */
  readonly caches: 1 | 2
  /** Whether a value that is out of date, or was so from the beginning, is there at first. */
  readonly before: 'nothing' | 'fresh' | 'stale'
  readonly leases: boolean
  /** Both loads run in the other process, and replies take their time: the second may join the first at any moment. */
  readonly joined?: boolean
  /** Every load fails, so that callers get what is out of date, if that may be served. */
  readonly failing?: boolean
  /** How many orders are tried, drawn with a fixed seed; all there are unless given. */
  readonly drawn?: number
}

interface Value {
  /** The truth's number when it was read or written. */
  readonly version: number
  readonly by: 'load' | 'set'
}

interface Explored {
  runs: number
  /** Runs after which, or during which, something older than what was acknowledged was stored or returned. */
  stale: number
}

/** Runs every order in which the steps of the actors can follow one another, or some of them. */
async function explore(setting: Setting): Promise<Explored> {
  const { actors, caches: count, before, leases, joined = false, failing = false, drawn } = setting
  const random = seededRandom(1)
  const steps = new Steps()
  const clock = new ManualClock()
  const { node, stored } = await steppedNode(steps, leases, joined)
  // What `expire` makes out of date may be served while it is loaded anew, so it is looked at without that.
  const swr = failing || actors.includes('expire') ? {} : ({ staleWhileRevalidate: '1h' } as const)
  const options = { nodes: [node], points: 8, clock, staleIfError: '1h', ...swr } as const
  const caches: ShardedCache[] = []
  for (let i = 0; i < count; i++) caches.push(await makeCache(options))
  const explored: Explored = { runs: 0, stale: 0 }
  // Depth first: the choices of the run before, the last one that can be another made another.
  let choices: number[] | undefined = []
  while (choices) {
    const key = `key:${explored.runs}`
    const taken = await run(key, choices)
    explored.runs++
    if (drawn === undefined) choices = next(taken)
    else if (explored.runs === drawn) break
  }
  return explored

  async function run(key: string, wanted: readonly number[]): Promise<{ at: number; of: number }[]> {
    const taken: { at: number; of: number }[] = []
    let [truth, acknowledged, wrong, changing] = [1, 0, 0, 0]
    let overlap = false
    const first: Value = { version: truth, by: 'load' }
    if (before !== 'nothing') await settle(caches[0]!.set(key, first, { ttl: before === 'fresh' ? '1h' : 1 }))
    // Of a set and another change that overlap, either may come last.
    const isStale = (value: Value | undefined, least: number): boolean =>
      value !== undefined && value.version < least && !(overlap && value.by === 'set')
    if (before === 'stale') clock.advance(2)
    const load = (cache: ShardedCache) => async (): Promise<void> => {
      const least = acknowledged
      const loading = cache.getOrLoad<Value>(key, async () => {
        const read = truth
        await steps.turn()
        if (failing) throw new Error('down')
        return { version: read, by: 'load' }
      })
      const value = await (failing ? loading.catch(() => undefined) : loading)
      if (isStale(value, least)) wrong++
    }
    const change = (make: (cache: ShardedCache, value: Value) => Promise<unknown>) => async (): Promise<void> => {
      const version = ++truth
      if (changing++ > 0) overlap = true
      await make(caches[0]!, { version, by: 'set' })
      changing--
      acknowledged = Math.max(acknowledged, version)
    }
    const acts: Record<Actor, () => Promise<void>> = {
      'load 1': load(caches[joined ? 1 : 0]!),
      'load 2': load(caches.at(-1)!),
      delete: change((cache) => cache.delete(key)),
      set: change((cache, value) => cache.set(key, value)),
      expire: change((cache) => cache.expire(key)),
    }
    let running = actors.length
    for (const actor of actors) {
      void steps.turn().then(async () => {
        await acts[actor]()
        running--
      })
    }
    for (;;) {
      await turn()
      // `expire` leaves the old value there on purpose: what counts then is what is returned as fresh.
      const value = actors.includes('expire') ? undefined : ((await stored(key)) as Value | undefined)
      if (isStale(value, acknowledged)) wrong++
      if (steps.size === 0) {
        if (running === 0) break
        await clock.advanceAsync(200)
        continue
      }
      // In some of them, who comes later comes at a later time as well, and in some at the same.
      if (drawn !== undefined && explored.runs % 2 === 0) clock.advance(1)
      const at = drawn === undefined ? (wanted[taken.length] ?? 0) : draw(steps.size)
      taken.push({ at, of: steps.size })
      steps.take(at)
    }
    for (const cache of caches) {
      if (isStale(await settle(cache.get<Value>(key)), acknowledged)) wrong++
    }
    if (wrong > 0) explored.stale++
    return taken
  }

  /** Mostly the actor goes on whose step was the last: orders of equal chance would rarely let one get far before another. */
  function draw(size: number): number {
    return random() < 0.6 ? size - 1 : Math.floor(random() * size)
  }

  /** Takes every step at once until the work is done. */
  async function settle<T>(work: Promise<T>): Promise<T> {
    let done = false
    void work.finally(() => (done = true)).catch(() => {})
    while (!done) {
      await turn()
      if (steps.size > 0) steps.take(0)
    }
    return work
  }
}

function next(taken: readonly { at: number; of: number }[]): number[] | undefined {
  for (let i = taken.length - 1; i >= 0; i--) {
    const { at, of } = taken[i]!
    if (at + 1 < of) return [...taken.slice(0, i).map((step) => step.at), at + 1]
  }
  return undefined
}

afterEach(() => {
  vi.restoreAllMocks()
})

const CHANGES = ['delete', 'set', 'expire'] as const
const BEFORE = ['nothing', 'fresh', 'stale'] as const

describe.each([1, 2] as const)('every order of the steps of loads and changes, %d caches on one node', (caches) => {
  for (const before of BEFORE) {
    for (const change of CHANGES) {
      it(`two loads and a ${change}, ${before} before: nothing stale after the acknowledgement`, async () => {
        const explored = await explore({ actors: ['load 1', 'load 2', change], caches, before, leases: true })
        expect(explored).toEqual({ runs: explored.runs, stale: 0 })
        expect(explored.runs).toBeGreaterThan(50)
      })
    }
  }
})

describe('two loads, a delete and a set, in every order', () => {
  it.each([1, 2] as const)(
    '%d caches on one node',
    async (caches) => {
      const actors = ['load 1', 'load 2', 'delete', 'set'] as const
      const explored = await explore({ actors, caches, before: 'nothing', leases: true })
      expect(explored).toEqual({ runs: explored.runs, stale: 0 })
    },
    600_000,
  )
})

describe('two loads in one process, and a change in another, replies under way: 10,000 orders each', () => {
  const setting = { caches: 2, leases: true, joined: true, drawn: 10_000 } as const
  const actors = (change: 'delete' | 'set'): Setting['actors'] => ['load 1', 'load 2', change]

  for (const change of ['delete', 'set'] as const) {
    it.each(BEFORE)(`${change}, %s before: who comes after the acknowledgement gets nothing older`, async (before) => {
      const explored = await explore({ ...setting, actors: actors(change), before })
      expect(explored).toEqual({ runs: 10_000, stale: 0 })
    })

    it(`${change}, loads that fail: nor is it given what was out of date before`, async () => {
      const explored = await explore({ ...setting, actors: actors(change), before: 'stale', failing: true })
      expect(explored).toEqual({ runs: 10_000, stale: 0 })
    })
  }

  it('control: when who shares a load does not ask again, it gets the old value', async () => {
    vi.spyOn(Flight.prototype, 'sure', 'get').mockReturnValue(true)
    const { stale } = await explore({ ...setting, actors: actors('delete'), before: 'nothing' })
    expect(stale).toBeGreaterThan(0)
  })

  it('control: when who comes while what was loaded is on its way shares it, it gets the old value', async () => {
    vi.spyOn(Flight.prototype, 'joinable', 'get').mockImplementation(function (this: Flight) {
      return this.outcome === 'none'
    })
    const { stale } = await explore({ ...setting, actors: actors('delete'), before: 'nothing' })
    expect(stale).toBeGreaterThan(0)
  })

  it('control: when who shares a load that fails gets its fallback, that is the old value', async () => {
    vi.spyOn(Flight.prototype, 'serveFallback').mockImplementation(function (this: Flight) {
      const entry = this.fallback?.()
      if (entry) this.resolve(entry.value)
    })
    const { stale } = await explore({ ...setting, actors: actors('delete'), before: 'stale', failing: true })
    expect(stale).toBeGreaterThan(0)
  })
})

describe('control', () => {
  it('without leases, a second process brings the old value back', async () => {
    const { stale } = await explore({ actors: ['load 2', 'delete'], caches: 2, before: 'nothing', leases: false })
    expect(stale).toBeGreaterThan(0)
  })

  it('without leases and without the fence, the process itself does', async () => {
    vi.spyOn(Flights.prototype, 'fence').mockImplementation(() => {})
    const { stale } = await explore({ actors: ['load 1', 'delete'], caches: 1, before: 'nothing', leases: false })
    expect(stale).toBeGreaterThan(0)
  })
})
