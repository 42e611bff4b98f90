import { Redis } from 'ioredis'
import { serve } from '../../bench/kit/child.ts'

/** Which major it is: RESP3 came with 6. */
serve(() => {
  const client = new Redis({ lazyConnect: true })
  client.disconnect()
  return 'protocol' in client.options ? 6 : 5
})
