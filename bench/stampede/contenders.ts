import { bentocache } from '../competitors/bentocache.ts'
import { cacheManager } from '../competitors/cache-manager.ts'
import { cacheable } from '../competitors/cacheable.ts'
import { layeredLoader } from '../competitors/layered-loader.ts'
import type { LoadingContender } from '../kit/loading-cache.ts'
import { ours } from '../kit/ours.ts'

export const OURS = 'sharded-cache'

/** Each with memory in the process and one Redis behind it. */
export const CONTENDERS: readonly LoadingContender[] = [ours, bentocache, cacheable, cacheManager, layeredLoader]
