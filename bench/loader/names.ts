/** What a miss is compared with. */
export const BY_HAND = 'ioredis 6, by hand'
/** What a call is compared with when no server answers. */
export const DIRECT = 'the loader itself'
