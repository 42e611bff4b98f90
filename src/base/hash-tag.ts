/**
 * The part of a key that decides where it lives: what stands between the first `{` and the first `}` after it, when that
 * is not empty; otherwise the whole key. Keys with one tag share an owner. This is Redis Cluster's rule
 * (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags).
 *
 * @example
 * hashTag('cart:{user:1}:items') // 'user:1'
 * hashTag('user:1')              // 'user:1'
 * hashTag('a{}b')                // 'a{}b'
 */
export function hashTag(key: string): string {
  const open = key.indexOf('{')
  if (open === -1) return key
  const close = key.indexOf('}', open + 1)
  return close > open + 1 ? key.slice(open + 1, close) : key
}
