/** An adapter of one's own, one JSON file per key: held to the conformance suite, then a node of a cache. */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { customNode, memoryNode, ShardedCache } from 'sharded-cache'
import { conformanceCases } from 'sharded-cache/testing'
import { FileAdapter } from './file-adapter.ts'

const folder = await mkdtemp(join(tmpdir(), 'sharded-cache-files-'))
try {
  await conform(join(folder, 'suite'))
  await use(join(folder, 'cache'))
} finally {
  await rm(folder, { recursive: true })
}

/** The suite as a plain list. With a test runner: `describeAdapter('FileAdapter', setup, { describe, it })`. */
async function conform(path: string): Promise<void> {
  const cases = conformanceCases({ open: ({ clock }) => new FileAdapter(path, clock) })
  let passed = 0
  for (const { name, notApplicable, run } of cases) {
    await run()
    if (notApplicable === undefined) passed++
    else console.log(`–  ${name}`)
  }
  console.log(`${passed} of ${cases.length} cases of the conformance suite apply, and the adapter passes them.`)
  assert.ok(passed > 25)
}

/** Half of the keys on disk, half in memory; what is on disk outlives the process, or here the cache. */
async function use(path: string): Promise<void> {
  const nodes = () => [memoryNode('memory'), customNode(({ clock }) => new FileAdapter(path, clock), { id: 'disk' })]
  const keys = Array.from({ length: 100 }, (_, i) => `report:${i}`)

  const first = await ShardedCache.create({ nodes: nodes() })
  await first.setMany(keys.map((key) => [key, { title: `The report ${key}` }]))
  assert.equal((await first.getMany(keys)).size, keys.length)
  await first.close()

  const second = await ShardedCache.create({ nodes: nodes() })
  const left = await second.getMany<{ title: string }>(keys)
  const onDisk = keys.filter((key) => second.explain(key).owner === 'disk')
  assert.deepEqual([...left.keys()], onDisk, 'exactly the keys of the disk node are still there')
  assert.equal((await readdir(path)).length, onDisk.length)
  console.log(`A second cache on the same folder still has ${left.size} of ${keys.length} reports.`)
  await second.close()
}
