import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '../kit/child.ts'
import type { LoadingCache, Server } from '../kit/loading-cache.ts'
import { CONTENDERS } from './contenders.ts'

/** What the benchmark asks of one process of a contender. */
export type Order =
  | { readonly open: string; readonly server: Server }
  | {
      readonly key: string
      readonly callers: number
      /** How long the loader takes, in milliseconds. */
      readonly load: number
      /** When all processes begin, in milliseconds since 1970. */
      readonly at: number
    }
  | { readonly close: true }

/** How often this process loaded, and after how many milliseconds each caller had its answer. */
export interface Answer {
  readonly loads: number
  readonly waits: readonly number[]
}

const USER = { id: 7, name: 'Ada Lovelace', about: 'x'.repeat(900) }

let cache: LoadingCache

async function obey(order: Order): Promise<Answer> {
  const none: Answer = { loads: 0, waits: [] }
  if ('open' in order) {
    const contender = CONTENDERS.find(({ name }) => name === order.open)
    if (!contender) throw new Error(`there is no contender ${order.open}`)
    cache = await contender.open(order.server)
    // Connections are made on the first call.
    await cache.getOrLoad(`warm:${process.pid}`, () => Promise.resolve(USER))
    return none
  }
  if ('close' in order) {
    await cache.close()
    return none
  }
  return stampede(order)
}

async function stampede(order: Extract<Order, { key: string }>): Promise<Answer> {
  let loads = 0
  const load = async (): Promise<unknown> => {
    loads++
    await sleep(order.load)
    return USER
  }
  await sleep(Math.max(0, order.at - Date.now()))
  const start = performance.now()
  const waits = await Promise.all(
    Array.from({ length: order.callers }, async () => {
      const user = (await cache.getOrLoad(order.key, load)) as typeof USER
      if (user.id !== USER.id) throw new Error('that is not the user')
      return performance.now() - start
    }),
  )
  return { loads, waits }
}

serve(obey)
