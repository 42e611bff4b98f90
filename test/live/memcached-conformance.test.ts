import { afterAll, beforeAll, describe, it } from 'vitest'
import { memcachedNode } from '../../src/memcached/index.ts'
import { describeAdapter } from '../../src/testing/index.ts'
import { startSasl, type SaslServer } from '../support/sasl.ts'
import { startMemcached, type TestServer } from '../support/servers.ts'

let server: TestServer
let sasl: SaslServer

beforeAll(async () => {
  // With several, one that gets no processor time may do an old write after another one has answered to a newer command.
  server = await startMemcached({ args: ['-t', '1'] })
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
