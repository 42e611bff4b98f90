import { isCacheError } from '../base/errors.ts'
import type { NodeInfo } from './contract.ts'
import type { Guard } from './guard.ts'

/** Removes a key if it holds exactly these bytes, where the server can; what comes of it matters to nobody. */
export async function removeIf(guard: Guard, key: string, value: Uint8Array, ms: number): Promise<void> {
  const { powers } = guard.adapter
  const power = powers.removeIf
  if (power && guard.usable) await guard.use('remove', ms, () => power.call(powers, key, value))
}

/** Asks a server about itself, whatever its circuit says; `undefined` when it cannot tell or does not answer. */
export async function infoOf(guard: Guard, ms: number): Promise<NodeInfo | undefined> {
  const { powers } = guard.adapter
  const power = powers.info
  if (!power) return undefined
  const info = await guard.use('info', ms, () => power.call(powers))
  return isCacheError(info) ? undefined : info
}
