/** The second process of the cycles proof: caches of its own on the same nodes, read from when it is told to. */
import { ShardedCache } from '../../../src/cache.ts'
import { laneNode, NODE_TIMEOUT, type LaneUrls } from './cycles-node.ts'

/** What it is told: first which lanes there are, then to read. */
export type Question =
  | { readonly lanes: readonly LaneUrls[]; readonly naive: boolean }
  | { readonly id: number; readonly lane: number; readonly keys: readonly string[] }
/** `ready` when its caches are made; then which of the keys it found. */
export type Reply = { readonly ready: true } | { readonly id: number; readonly found: readonly string[] }

let caches: ShardedCache[] = []

process.on('message', (question: Question) => void answer(question).then((reply) => process.send?.(reply)))
process.once('disconnect', () => process.exit())

async function answer(question: Question): Promise<Reply> {
  if ('lanes' in question) {
    const { lanes, naive } = question
    caches = await Promise.all(
      lanes.map((urls, lane) =>
        ShardedCache.create({ nodes: [laneNode(lane, urls, naive)], nodeTimeout: NODE_TIMEOUT, ttl: '5m' }),
      ),
    )
    return { ready: true }
  }
  const { id, lane } = question
  const cache = caches[lane]!
  const found = [...(await cache.getMany(question.keys)).keys()]
  if (cache.stats().nodes[0]!.members.length > 1) {
    found.push(...(await cache.getMany(question.keys, { reads: 'replica' })).keys())
  }
  return { id, found }
}
