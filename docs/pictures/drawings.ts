import { loadHash } from '../../src/base/hash.ts'
import { drawCircuit } from './circuit.ts'
import { drawFreshness } from './freshness.ts'
import { drawRequestPath } from './request-path.ts'
import { drawRing } from './ring.ts'

/** The pictures that are drawn by program, by file name. The same bytes every time. */
export async function drawings(): Promise<Map<string, string>> {
  const hash = await loadHash()
  return new Map([
    ['ring.svg', drawRing(hash)],
    ['request-path.svg', drawRequestPath()],
    ['circuit.svg', drawCircuit()],
    ...drawFreshness(),
  ])
}
