import { systemClock } from '../../src/base/clock.ts'
import type { NodeContext } from '../../src/node/spec.ts'

/** The context for an adapter that is used by itself, outside a cache. */
export const bareContext: NodeContext = { nodeTimeout: 250, clock: systemClock, identified: () => {} }
