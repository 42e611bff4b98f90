/** Up to this many seconds the server takes the field for a time from now; beyond, for a date. */
const RELATIVE = 30 * 86_400
/** The last date that fits a signed 32-bit field: 2038-01-19. */
const LAST_DATE = 0x7fffffff

/**
 * Memcached's expiration field for a time to live.
 *
 * The server counts in ticks of one second, and an entry is gone at a tick: one given 1 second lives for something
 * between nothing and a second. So one tick is added to the time rounded up: an entry lives at least as long as asked,
 * and less than two seconds longer. The field is never 0, which would mean for ever.
 *
 * Longer than 30 days must be written as a date, of the server's own clock. Dates after 2038-01-19 do not fit; such
 * entries expire then.
 *
 * @param ttl milliseconds, at least 1
 * @param serverNow what the server's clock shows: gives seconds since 1970
 */
export function expiresField(ttl: number, serverNow: () => number): number {
  const seconds = Math.ceil(ttl / 1_000) + 1
  if (seconds <= RELATIVE) return seconds
  return Math.min(LAST_DATE, Math.ceil(serverNow()) + seconds)
}
