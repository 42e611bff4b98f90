import type { NodeIdentity, NodeInfo } from '../node/contract.ts'

/** Who answers, by what `INFO` says; unknown where the sections are missing. */
export function parseIdentity(info: string): NodeIdentity {
  const role = field(info, 'role')
  return {
    runId: field(info, 'run_id') ?? '',
    role: role === 'master' ? 'primary' : role === 'slave' ? 'replica' : 'unknown',
    version: field(info, 'redis_version') ?? '',
  }
}

/** What `INFO` says of keys (in one database), memory (of the whole server) and replication. */
export function parseInfo(info: string, db: number): NodeInfo {
  const identity = parseIdentity(info)
  const offset = field(info, identity.role === 'replica' ? 'slave_repl_offset' : 'master_repl_offset')
  return {
    ...identity,
    keys: Number(/^keys=(\d+)/.exec(field(info, `db${db}`) ?? '')?.[1] ?? 0),
    bytes: Number(field(info, 'used_memory') ?? 0),
    ...(offset === undefined ? {} : { replicationOffset: Number(offset) }),
  }
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1]
}
