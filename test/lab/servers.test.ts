import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { redisText, startMemcached, startRedis, type TestServer } from '../support/servers.ts'

let redis: TestServer
let memcached: TestServer
const has = async (key: string): Promise<boolean> => (await redisText(redis.port, `EXISTS ${key}`)).startsWith(':1')

beforeAll(async () => {
  ;[redis, memcached] = await Promise.all([startRedis(), startMemcached()])
})
afterAll(() => Promise.all([redis, memcached].map((server) => server?.stop())))

describe('a server under control', () => {
  it('comes back with what was saved, and without what came after that', async () => {
    await redisText(redis.port, 'SET saved 1')
    await redis.save()
    await redisText(redis.port, 'SET late 1')
    await redis.kill()
    await redis.restart({ data: true })
    expect([await has('saved'), await has('late')]).toEqual([true, false])
  })

  it('comes back empty unless told otherwise, and what was saved is gone for good', async () => {
    await redisText(redis.port, 'SET saved 1')
    await redis.save()
    const { pid } = redis
    await redis.restart()
    expect(redis.pid).not.toBe(pid)
    expect(await has('saved')).toBe(false)
    await expect(redis.restart({ data: true })).rejects.toThrow('save() comes first')
    expect(await has('saved')).toBe(false)
  })

  it('says so when it cannot save', async () => {
    await redisText(redis.port, 'CONFIG SET requirepass secret')
    await expect(redis.save()).rejects.toThrow('NOAUTH')
    await expect(memcached.save()).rejects.toThrow('memcached keeps nothing on disk')
  })
})
