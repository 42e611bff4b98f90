import { Redis } from 'ioredis'

/** The source of truth: a number per key that only rises; and what the processes must know of each other to judge reads. */
export interface RacesTruth {
  /** Reads the number as a loader does, and notes that a load runs. */
  load(key: string): Promise<number>
  /** A load has ended. */
  loaded(key: string): Promise<unknown>
  /** Raises the number. Gives it, and how many loads run that have read one before it. */
  bump(key: string): Promise<{ number: number; running: number }>
  /** From here on nobody may read less. */
  acknowledge(key: string, number: number): Promise<unknown>
  /** The least that a read that begins now may give, and whether there will be no more changes. */
  look(key: string): Promise<{ least: number; over: boolean }>
  end(key: string): Promise<unknown>
  close(): void
}

const LOAD = `redis.call('hincrby',KEYS[1],'running',1) return redis.call('hget',KEYS[1],'number') or 0`
const BUMP = `return {redis.call('hincrby',KEYS[1],'number',1), redis.call('hget',KEYS[1],'running') or 0}`

/** On a Redis server that nothing else uses. */
export function sharedTruth(port: number): RacesTruth {
  const client = new Redis({ port, host: '127.0.0.1' })
  return {
    load: async (key) => Number(await client.eval(LOAD, 1, key)),
    loaded: (key) => client.hincrby(key, 'running', -1),
    bump: async (key) => {
      const [number, running] = (await client.eval(BUMP, 1, key)) as [unknown, unknown]
      return { number: Number(number), running: Number(running) }
    },
    acknowledge: (key, number) => client.hset(key, 'least', number),
    look: async (key) => {
      const [least, over] = await client.hmget(key, 'least', 'over')
      return { least: Number(least ?? 0), over: over !== null }
    },
    end: (key) => client.hset(key, 'over', 1),
    close: () => client.disconnect(),
  }
}

interface Kept {
  number: number
  running: number
  least: number
  over: boolean
}

/** In this process, answering in a later turn, as a database would. */
export function ownTruth(): RacesTruth {
  const all = new Map<string, Kept>()
  const of = (key: string): Kept => {
    let kept = all.get(key)
    if (!kept) all.set(key, (kept = { number: 0, running: 0, least: 0, over: false }))
    return kept
  }
  const later = <T>(value: T): Promise<T> => new Promise((resolve) => setImmediate(() => resolve(value)))
  return {
    load: (key) => {
      of(key).running++
      return later(of(key).number)
    },
    loaded: (key) => later(of(key).running--),
    bump: (key) => {
      const kept = of(key)
      return later({ number: ++kept.number, running: kept.running })
    },
    acknowledge: (key, number) => later((of(key).least = number)),
    look: (key) => {
      const { least, over } = of(key)
      return later({ least, over })
    },
    end: (key) => later((of(key).over = true)),
    close: () => {},
  }
}
