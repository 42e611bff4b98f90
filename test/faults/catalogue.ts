import { createConnection } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CircuitState } from '../../src/base/events.ts'
import { heapUsed, leftOver, resources } from '../lab/meters.ts'
import { CLEAN, openLab, type Lab, type LabOptions } from '../lab/lab.ts'
import { neverAny } from '../support/steady.ts'
import { until, type TestServer } from '../support/servers.ts'

/** What the rows of the fault catalogue share. */

export const NODE_TIMEOUT = 100
export type Kind = TestServer['kind']
export const KINDS: readonly Kind[] = ['redis', 'memcached']

/** How much the heap may have grown when the rows of a file are through, for what is loaded and compiled only then. */
const HEAP = 16 * 1024 * 1024

/**
 * One row of the catalogue, on servers of its own and beside the others of its file: a lab, what happens in it, and in the end
 * the invariants I1 to I5. Prints its figures.
 */
export function row(name: string, options: LabOptions, run: (lab: Lab) => Promise<unknown>): void {
  it.concurrent(`${name}`, async () => {
    const lab = await openLab({ ...options, cache: { nodeTimeout: NODE_TIMEOUT, ...options.cache } })
    try {
      const ended = await Promise.allSettled([run(lab)])
      const { calls, reads, hits, latest, loader, ...verdict } = lab.verdict()
      const { wrong, stale, violations } = verdict
      neverAny({ wrong, stale, violations })
      if (ended[0].status === 'rejected') throw ended[0].reason
      const said = ended[0].value
      const more = typeof said === 'string' ? `, ${said}` : ''
      const figures = `${calls} calls, ${hits} of ${reads} reads hit, ${loader.calls} loads`
      console.log(`${name}: ${figures}, latest ${latest} ms after its deadline${more}`)
      expect({ ...verdict, loader }).toMatchObject(CLEAN)
    } finally {
      await lab.close()
    }
  })
}

/** I6, for all rows of a file: what keeps a process alive is counted for the whole of it. */
export function nothingLeftBehind(): void {
  const before = { resources: resources(), heap: 0 }
  beforeAll(() => {
    before.resources = resources()
    before.heap = heapUsed()
  })
  afterAll(async () => {
    await until(() => leftOver(before.resources).length === 0, 'the resources to be let go', 2_000).catch(() => {})
    expect(leftOver(before.resources)).toEqual([])
    expect(heapUsed() - before.heap).toBeLessThan(HEAP)
  })
}

/** The circuit of a node's primary. */
export function circuitOf(lab: Lab, node = 0): CircuitState | undefined {
  return lab.cache.stats().nodes.find(({ id }) => id === `n${node}`)?.members[0]?.circuit
}

/** Waits for the circuit of a node's primary. */
export function reaches(lab: Lab, state: CircuitState, node = 0): Promise<void> {
  return until(() => circuitOf(lab, node) === state, `the circuit of n${node} to be ${state}`)
}

/** Waits until so many more calls have settled. */
export function more(lab: Lab, calls = 50): Promise<void> {
  const enough = lab.watch.calls + calls
  return until(() => lab.watch.calls >= enough, `${calls} more calls`)
}

/** The changes of circuits from now on, as `node state`. */
export function watchCircuits(lab: Lab): readonly string[] {
  const changes: string[] = []
  lab.cache.on('circuit', ({ node, to }) => changes.push(`${node} ${to}`))
  return changes
}

/** Waits until a node has answered more reads: trouble with another one is none of its business. */
export function answers(lab: Lab, node: number): Promise<void> {
  const hits = (): number => lab.cache.stats().nodes.find(({ id }) => id === `n${node}`)?.members[0]?.hits ?? 0
  const enough = hits() + 20
  return until(() => hits() >= enough, `n${node} to answer`)
}

/** Waits until `health()` says so of a node. */
export function diagnosed(lab: Lab, what: RegExp): Promise<void> {
  const said = async (): Promise<boolean> => (await lab.cache.health()).issues.some(({ text }) => what.test(text))
  return until(said, `health to tell ${String(what)}`)
}

/** Writes keys until they are read back: a circuit may still be open, a fence still ahead of the clock. */
export async function readable(lab: Lab, keys: readonly string[]): Promise<void> {
  for (const key of keys) {
    await until(async () => {
      await lab.watch.set(key)
      return (await lab.watch.get(key)) !== undefined
    }, `${key} to be read back`)
  }
}

/** Reads keys again and again, a hundred at a time; says how many of the reads were hits. The oracle looks at each. */
export async function readTimes(lab: Lab, keys: readonly string[], times: number): Promise<number> {
  let hits = 0
  for (let at = 0; at < times; at += 100) {
    const some = Array.from({ length: Math.min(100, times - at) }, (_, i) => keys[(at + i) % keys.length] ?? '')
    const values = await Promise.all(some.map((key) => lab.watch.get(key)))
    hits += values.filter((value) => value !== undefined).length
  }
  return hits
}

/** Puts bytes on a server under a name, past the cache. */
export function plant(server: TestServer, name: string, bytes: Uint8Array): Promise<void> {
  const request =
    server.kind === 'redis'
      ? [`*3\r\n$3\r\nSET\r\n$${Buffer.byteLength(name)}\r\n${name}\r\n$${bytes.length}\r\n`, bytes, '\r\n']
      : [`set ${name} 0 300 ${bytes.length}\r\n`, bytes, '\r\n']
  const good = server.kind === 'redis' ? '+OK' : 'STORED'
  return new Promise((resolve, reject) => {
    const socket = createConnection(server.port, server.host)
    for (const part of request) socket.write(part)
    socket.once('error', reject)
    socket.once('data', (data) => {
      socket.destroy()
      if (String(data).startsWith(good)) resolve()
      else reject(new Error(`${name} was not stored: ${String(data)}`))
    })
  })
}
