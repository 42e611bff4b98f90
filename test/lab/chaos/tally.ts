import type { ShardedCache } from '../../../src/cache.ts'
import type { Trace } from './trace.ts'

/** What the caches of a run told of themselves, counted. */
export class Tally {
  circuitsOpened = 0
  journaled = 0
  replayed = 0
  /** Given up with nodes that left. */
  journalDropped = 0
  fences = 0
  failovers = 0
  topologies = 0
  nodeErrors = 0

  /** Counts the events of a cache, the `index`-th, and notes the rare ones down. */
  listen(cache: ShardedCache, index: number, trace: Trace): void {
    const name = 'ab'[index]!
    cache.on('circuit', ({ address, node, from, to }) => {
      if (to === 'open' && from === 'closed') this.circuitsOpened++
      trace.note(`${name}: circuit of ${node} (${address}) ${from} → ${to}`)
    })
    cache.on('journal', ({ node, status, keys }) => {
      if (status === 'added') this.journaled += keys
      if (status === 'replayed') this.replayed += keys
      if (status === 'dropped') this.journalDropped += keys
      if (status !== 'added') trace.note(`${name}: journal of ${node}: ${keys} ${status}`)
    })
    cache.on('fence', ({ node, address }) => {
      this.fences++
      trace.note(`${name}: fence on ${node} (${address})`)
    })
    cache.on('failover', () => void this.failovers++)
    cache.on('topology', ({ epoch, added, removed }) => {
      this.topologies++
      trace.note(`${name}: topology ${epoch}, added [${added.join()}], removed [${removed.join()}]`)
    })
    cache.on('node-error', ({ keys }) => void (this.nodeErrors += keys))
  }
}
