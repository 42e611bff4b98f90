import { afterAll, beforeAll, describe, it } from 'vitest'
import { makeRedisNode } from '../../src/redis/node.ts'
import { describeAdapter, type ServerControl } from '../../src/testing/index.ts'
import { MAJORS, type AppClient } from '../redis/majors.ts'
import { freePort, startRedis, type TestServer } from '../support/servers.ts'

describe.each(MAJORS)('ioredis $major', async ({ Redis, client: lend }) => {
  const port = await freePort()
  let redis: TestServer
  let client: AppClient

  beforeAll(async () => {
    redis = await startRedis({ port })
    client = lend(port)
  })
  afterAll(async () => {
    await client.quit()
    await redis.stop()
  })

  const server: ServerControl = {
    stop: () => redis.kill(),
    start: () => redis.restart(),
    pause: () => redis.pause(),
    resume: () => redis.resume(),
  }
  const url = (credentials = ''): string => `redis://${credentials}127.0.0.1:${port}`

  const small = makeRedisNode(Redis, url(), { maxValueBytes: 2 ** 20 })
  const refused = makeRedisNode(Redis, url('nobody:wrong@'), {})
  const setup = { open: small.primary.open, openRefused: refused.primary.open, server }
  describeAdapter('redisNode of a URL', setup, { describe, it })

  const standard = makeRedisNode(Redis, url(), {})
  describeAdapter('redisNode as it comes', { open: standard.primary.open, without: ['value-limit'] }, { describe, it })

  const lent = {
    open: (...context: Parameters<typeof small.primary.open>) =>
      makeRedisNode(Redis, client, { maxValueBytes: 2 ** 20 }).primary.open(...context),
    server,
  }
  describeAdapter('redisNode of a client', lent, { describe, it })
})
