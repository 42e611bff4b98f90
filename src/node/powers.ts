import { isCacheError, type NodeError } from '../base/errors.ts'
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

/**
 * Makes sure, after a read from a replica, that its data are still those of the history that is known, where the server can
 * say so; if they are not, it is asked anew who it is, and what it brought is void for that. Resolves to a NodeError when it
 * does not say in time.
 *
 * @param left how long there is left for it, in milliseconds
 */
export async function vouch(guard: Guard, left: () => number): Promise<NodeError | undefined> {
  const { acquaintance, adapter } = guard
  const { powers } = adapter
  const power = powers.history
  if (!power || !acquaintance.hasHistory) return undefined
  const history = await guard.use('info', left(), () => power.call(powers))
  if (isCacheError(history)) return history
  return acquaintance.knows(history) ? undefined : guard.identify(left())
}
