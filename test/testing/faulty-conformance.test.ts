import { afterAll, beforeAll, describe, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import { makeRedisNode } from '../../src/redis/node.ts'
import { describeAdapter, faulty } from '../../src/testing/index.ts'
import { MAJORS } from '../redis/majors.ts'
import { freePort, startRedis, type TestServer } from '../support/servers.ts'

const small = faulty(memoryNode('b', { max: 1_000, maxBytes: 4 * 2 ** 20 }))
describeAdapter('a laboratory without rules, around memoryNode', { open: small.node.primary.open }, { describe, it })

const restarted = faulty(memoryNode('c', { max: 1_000, maxBytes: 4 * 2 ** 20 }))
restarted.restart()
restarted.inject({ fault: 'error', keys: 'no key of the suite' })
describeAdapter('one that was restarted, with a rule', { open: restarted.node.primary.open }, { describe, it })

const [major] = MAJORS.slice(-1)
describe(`ioredis ${major?.major}`, async () => {
  const port = await freePort()
  let redis: TestServer
  beforeAll(async () => {
    redis = await startRedis({ port })
  })
  afterAll(() => redis.stop())

  const server = {
    stop: () => redis.kill(),
    start: () => redis.restart(),
    pause: () => redis.pause(),
    resume: () => redis.resume(),
  }
  const node = (credentials = ''): ReturnType<typeof makeRedisNode> =>
    makeRedisNode(major!.Redis, `redis://${credentials}127.0.0.1:${port}`, { maxValueBytes: 2 ** 20 })
  const open = faulty(node()).node.primary.open
  const openRefused = faulty(node('nobody:wrong@')).node.primary.open
  describeAdapter('a laboratory without rules, around redisNode', { open, openRefused, server }, { describe, it })
})
