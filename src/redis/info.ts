import type { NodeIdentity, NodeInfo } from '../node/contract.ts'

/** Who answers, by what `INFO` says; unknown where it says nothing. */
export function parseIdentity(info: string): NodeIdentity {
  const said = field(info, 'role')
  const role = said === 'master' ? 'primary' : said === 'slave' ? 'replica' : 'unknown'
  const uptime = field(info, 'uptime_in_seconds')
  const history = parseHistory(info)
  const linked = field(info, 'master_link_status') === 'up' && field(info, 'master_sync_in_progress') === '0'
  return {
    runId: field(info, 'run_id') ?? '',
    role,
    version: field(info, 'redis_version') ?? '',
    // The difference of two whole seconds: it may be nearly one second more than the time that has passed.
    ...(uptime === undefined ? {} : { uptime: Math.max(0, Number(uptime) - 1) * 1_000 }),
    empty: holdsNothing(info) && role !== 'unknown' && (role === 'primary' || linked),
    ...(role === 'replica' ? { linked } : restoredFromDisk(info)),
    ...(history === undefined ? {} : { history }),
  }
}

/** Which history of changes its data come from, by what `INFO` or `INFO replication` says. */
export function parseHistory(info: string): string | undefined {
  return field(info, 'master_replid')
}

/** Whether the server still reads its data from the disk, or from its primary, and serves nothing meanwhile. */
export function isLoading(info: string): boolean {
  return field(info, 'loading') === '1'
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

/** No key in any database, and none about to come from the disk. A replica may load beside serving (`async_loading`). */
function holdsNothing(info: string): boolean {
  if (!/^# Keyspace\r?$/m.test(info) || /^db\d+:keys=[1-9]/m.test(info)) return false
  return field(info, 'loading') === '0' && field(info, 'async_loading') !== '1'
}

/**
 * Whether a primary began with what was on its disk. Redis says so since version 7, and only for its snapshots: with an
 * append-only file it may have loaded more than it counts.
 */
function restoredFromDisk(info: string): { restored?: boolean } {
  const loaded = Number(field(info, 'rdb_last_load_keys_loaded'))
  if (loaded > 0) return { restored: true }
  return loaded === 0 && field(info, 'aof_enabled') === '0' ? { restored: false } : {}
}

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1]
}
