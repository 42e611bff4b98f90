/**
 * Nodes on Memcached servers, through the optional peer `memjs`.
 *
 * @module
 */
export { memcachedNode, type MemcachedNodeOptions } from './node.ts'
export type { MemjsClient } from './client-adapter.ts'
