import { afterAll, beforeAll, describe, it } from 'vitest'
import { memcachedNode } from '../../src/memcached/index.ts'
import { describeAdapter } from '../../src/testing/index.ts'
import { startSasl, type SaslServer } from '../support/sasl.ts'
import { startMemcached, type TestServer } from '../support/servers.ts'

let server: TestServer
let sasl: SaslServer

beforeAll(async () => {
  server = await startMemcached()
  sasl = await startSasl(server.port, { username: 'app', password: 'right' })
})
afterAll(async () => {
  await sasl?.stop()
  await server?.stop()
})

describeAdapter(
  'memcachedNode',
  {
    open: (context) => memcachedNode(server.url).primary.open(context),
    openRefused: (context) => memcachedNode(`memcached://app:wrong@127.0.0.1:${sasl.port}`).primary.open(context),
    server: {
      stop: () => server.kill(),
      start: () => server.restart(),
      pause: () => server.pause(),
      resume: () => server.resume(),
    },
  },
  { describe, it },
)
