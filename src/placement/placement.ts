/** One shard as placement sees it: an id, and how many times the share of a weight-1 shard it takes. */
export interface WeightedId {
  readonly id: string
  /** A positive number; 1 when left out. */
  readonly weight?: number
}

/** The pure function from key to shard ids. Immutable: a change of nodes makes a new one. */
export interface Placement {
  /** All shard ids, sorted by code unit; {@link Placement.ownerAt} answers with indexes into it. */
  readonly ids: readonly string[]
  /** A key's position: the hash of its hash tag. An unsigned 32-bit integer. */
  position(key: string): number
  /** The index in `ids` of the shard that owns a position. */
  ownerAt(position: number): number
  /** The index in `ids` of the shard that owns a key. */
  ownerOf(key: string): number
  /** The id of the shard that owns a key. */
  locate(key: string): string
  /** The ids of up to `count` distinct shards, the owner first, then in the order in which they stand in for it. */
  locateMany(key: string, count: number): string[]
}
