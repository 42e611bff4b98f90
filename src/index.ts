export { ShardedCache, type Space } from './cache.ts'
export type { CacheFace } from './face.ts'
export type { CacheOptions, SpaceOptions } from './options.ts'
export type {
  CallOptions,
  Checked,
  DeleteResult,
  EntryInfo,
  Explanation,
  Loaded,
  LoadedBy,
  Loader,
  LoaderContext,
  LoaderMany,
  LoaderManyContext,
  LoadOptions,
  ReadOptions,
  WrapLoadOptions,
  WrapManyOptions,
  WrapOptions,
  Wrapped,
  WrappedMany,
  WriteOptions,
  WriteResult,
} from './types.ts'
export type {
  CacheHealth,
  CacheStats,
  HealthIssue,
  JournalStats,
  MemberHealth,
  MemberStats,
  NodeHealth,
  NodeStats,
} from './health.ts'

export { memoryNode, type MemoryNodeOptions } from './node/memory.ts'
export { customNode, type MemberSpec, type NodeContext, type NodeOptions, type NodeSpec } from './node/spec.ts'
export type { ByteSlice, ByteSliceClass } from './base/slice.ts'
export type {
  Asker,
  NodeAdapter,
  NodeIdentity,
  NodeInfo,
  NodeLimits,
  NodePowers,
  ReadGiven,
  ReadOutcome,
  RemoveOutcome,
  WriteItem,
  WriteOutcome,
} from './node/contract.ts'
export type {
  AtomicPower,
  ExpireOutcome,
  ExpireRequest,
  FillRequest,
  HolderOutcome,
  LeaseOutcome,
  LeaseRequest,
  RenewRequest,
  TokenRequest,
} from './node/atomic.ts'
export type { MemberCounts, MemberState } from './node/account.ts'
export type { JournalOptions } from './shard/journal.ts'
export type { JournalCounts } from './shard/ledger.ts'
export type { MemberView, ReadPolicy, ReadPolicyContext, ReadPolicyFunction } from './shard/read-policy.ts'
export type { L1Options, L1Stats } from './tier/l1.ts'
export type { LoadCounts } from './loading/tally.ts'
export type { LoadPolicyOptions } from './loading/policy.ts'
export {
  bloomFilter,
  buildBloomFilter,
  restoreBloomFilter,
  type BloomFilter,
  type BloomFilterOptions,
  type BuildBloomFilterOptions,
} from './loading/bloom.ts'
export type { Gate } from './loading/gate.ts'
export { readKeyLog, recordKeys, type KeySource, type ReadKeyLogOptions, type RecordKeysOptions } from './key-log.ts'
export type { WarmOptions, WarmProgress, WarmResult } from './warm.ts'

export { bytesCodec, jsonCodec, v8Codec, type Codec } from './entry/codec.ts'
export type { CompressionOptions } from './entry/compression.ts'
export type { FormOptions } from './entry/form-options.ts'
export type { SchemaResult, StandardSchema } from './entry/schema.ts'

export { loadHash, type Hash } from './base/hash.ts'
export { hashTag } from './base/hash-tag.ts'
export { ring, type Ring, type RingOptions } from './placement/ring.ts'
export type { Placement, WeightedId } from './placement/placement.ts'
export { diff, type Move, type PlacementDiff } from './placement/diff.ts'

export {
  CacheError,
  KeyError,
  LoadError,
  NodeError,
  OptionError,
  ValueError,
  isCacheError,
  type ErrorCode,
} from './base/errors.ts'
export type { CacheEvents, CircuitState, DropReason, EventType, JournalStatus, NodeErrorEvent } from './base/events.ts'
export type { Clock, Timer } from './base/clock.ts'
export type { Duration } from './base/duration.ts'
