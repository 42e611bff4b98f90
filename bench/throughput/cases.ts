/** What is asked of the caches, and how. */
export interface Case {
  readonly kind: 'redis' | 'memcached'
  readonly operation: 'get' | 'set' | 'getMany' | 'getOrLoad'
  /** Of the values, in characters. */
  readonly size: number
  readonly nodes: number
  /** How many calls are under way at any time. */
  readonly inFlight: number
}

/** How many keys a `getMany` asks for. */
export const MANY = 100

const IN_FLIGHT = [1, 32, 256] as const

/** Everything that is measured, the cases of one table together. */
export const TABLES: readonly (readonly Case[])[] = [
  across({ kind: 'redis', operation: 'get', size: 100, nodes: 1 }),
  across({ kind: 'redis', operation: 'get', size: 100, nodes: 3 }),
  across({ kind: 'redis', operation: 'get', size: 10_000, nodes: 1 }),
  across({ kind: 'redis', operation: 'set', size: 100, nodes: 1 }),
  across({ kind: 'redis', operation: 'set', size: 10_000, nodes: 1 }),
  across({ kind: 'redis', operation: 'getOrLoad', size: 100, nodes: 1 }),
  [{ kind: 'redis', operation: 'getMany', size: 100, nodes: 1, inFlight: 1 }],
  [{ kind: 'redis', operation: 'getMany', size: 100, nodes: 3, inFlight: 1 }],
  across({ kind: 'memcached', operation: 'get', size: 100, nodes: 1 }),
  across({ kind: 'memcached', operation: 'set', size: 100, nodes: 1 }),
]

/** Every operation and everybody once. */
export const SMOKE_TABLES: readonly (readonly Case[])[] = TABLES.filter(
  ([one]) => one?.size === 100 && (one.kind === 'memcached' || one.operation !== 'get' || one.nodes === 3),
)

function across(common: Omit<Case, 'inFlight'>): Case[] {
  return IN_FLIGHT.map((inFlight) => ({ ...common, inFlight }))
}

/** The title of a table. */
export function titleOf({ kind, operation, size, nodes }: Omit<Case, 'inFlight'>): string {
  const what = operation === 'getMany' ? `getMany of ${MANY}` : operation
  const where = nodes === 1 ? `one ${kind} node` : `${nodes} ${kind} nodes`
  return `${what}, ${size.toLocaleString('en-US')} characters, ${where}`
}
