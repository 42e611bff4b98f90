import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, redisText, startMemcached, startRedis, until, type TestServer } from '../support/servers.ts'
import { startExample } from './run.ts'

const TOUR = 'examples/tour/main.ts'
/** How long a program may take to get going, in milliseconds: nothing is promised of that. */
const SLOW_START = 40_000

/** The process ids of the servers that a tour says it started. */
function serversOf(output: string): number[] {
  return [...output.matchAll(/127\.0\.0\.1:\d+, process (\d+)/g)].map((match) => Number(match[1]))
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function expectWholeTour(output: string): void {
  for (const step of [1, 2, 3, 4, 5]) expect(output).toMatch(new RegExp(`^  ${step}  \\S`, 'm'))
  expect(output).toContain('4,000 of 4,000 calls were answered')
  expect(output.replace(/\s+/g, ' ')).toMatch(/ keys moved to [a-e], 0 between the others\./)
  expect(output).toContain('npm run example')
  expect(output).not.toMatch(/NaN|undefined/)
  // What moves a cursor or colours has no place in a pipe.
  for (const control of ['\r', '\u001b']) expect(output).not.toContain(control)
  for (const line of output.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
}

describe.concurrent('the tour', () => {
  it('runs on servers of its own, and leaves none behind', async () => {
    const { code, output, errors } = await startExample(TOUR).ended
    expect(errors).toBe('')
    expect(code).toBe(0)
    expect(output).toContain('two redis-server and two memcached')
    expectWholeTour(output)
    const servers = serversOf(output)
    expect(servers).toHaveLength(5)
    expect(servers.filter(lives)).toEqual([])
  })

  it('runs on embedded nodes where there are no servers', async () => {
    const { code, output, errors } = await startExample(TOUR, [], { PATH: '' }).ended
    expect(errors).toBe('')
    expect(code).toBe(0)
    expect(output).toContain('neither redis-server nor memcached')
    expectWholeTour(output)
  })

  it('ends its servers when it is interrupted', async () => {
    const tour = startExample(TOUR)
    await until(() => tour.output().includes('1,000 of 4,000'), 'the first quarter', SLOW_START)
    const servers = serversOf(tour.output())
    expect(servers.filter(lives)).toHaveLength(4)
    tour.kill('SIGINT')
    expect((await tour.ended).code).toBe(130)
    expect(servers.filter(lives)).toEqual([])
  })
})

describe('the tour on servers given', () => {
  let redis: TestServer
  let memcached: TestServer

  beforeAll(async () => {
    redis = await startRedis()
    memcached = await startMemcached()
    await redisText(redis.port, 'SET product:1 theirs')
  })
  afterAll(async () => {
    await redis.stop()
    await memcached.stop()
  })

  async function expectOnlyTheirs(): Promise<void> {
    expect(await redisText(redis.port, 'KEYS *')).toBe('*1\r\n$9\r\nproduct:1\r\n+OK\r\n')
    expect(await redisText(redis.port, 'GET product:1')).toContain('theirs')
    expect(await redisText(memcached.port, 'stats')).toMatch(/STAT curr_items 0\r\n/)
  }

  it('shows all steps, kills nobody and deletes its keys', async () => {
    const { code, output, errors } = await startExample(TOUR, [redis.url, memcached.url]).ended
    expect(errors).toBe('')
    expect(code).toBe(0)
    expect(output).toContain('On the 2 servers given')
    expect(output).toContain('it removes b from the')
    expect(output).toMatch(/Deleted this tour’s \d,\d+ entries/)
    expectWholeTour(output)
    await expectOnlyTheirs()
  })

  it('deletes its keys when it is interrupted', async () => {
    const tour = startExample(TOUR, [redis.url, memcached.url])
    await until(() => tour.output().includes('1,000 of 4,000'), 'the first quarter', SLOW_START)
    expect(await redisText(redis.port, 'DBSIZE')).not.toContain(':1\r\n')
    tour.kill('SIGTERM')
    expect((await tour.ended).code).toBe(143)
    await expectOnlyTheirs()
  })
})

describe.concurrent('the tour with a bad command line', () => {
  it('names the servers that do not answer', async () => {
    const ports = [await freePort(), await freePort()]
    const urls = [`redis://127.0.0.1:${ports[0]}`, `memcached://127.0.0.1:${ports[1]}`]
    const { code, errors } = await startExample(TOUR, urls).ended
    expect(code).toBe(1)
    expect(errors).toContain(`redis at 127.0.0.1:${ports[0]} and memcached at 127.0.0.1:${ports[1]} do not answer`)
    expect(errors).not.toContain('    at ')
  })

  it.each([
    ['a password that is wrong', 'redis://:hunter2@127.0.0.1:$PORT', 'refused the default user'],
    ['an unknown scheme', 'http://127.0.0.1:6379', 'redis://…, rediss://… or memcached://…; given: http://…'],
    ['no scheme', '127.0.0.1:6379', 'has no scheme'],
    ['a URL that is none', 'redis://user:hunter2@host:port', 'not a URL'],
    ['an unknown flag', '--fast', 'Usage: npm start'],
  ])('says what is wrong with %s, and no secret', async (_, given, message) => {
    const redis = await startRedis({ args: ['--requirepass', 'another'] })
    try {
      const { code, errors } = await startExample(TOUR, [given.replace('$PORT', `${redis.port}`)]).ended
      expect(code).toBe(1)
      expect(errors).toContain(message)
      expect(errors).not.toMatch(/hunter2|^ {4}at /m)
    } finally {
      await redis.stop()
    }
  })

  it('explains itself with --help', async () => {
    const { code, output } = await startExample(TOUR, ['--help']).ended
    expect(code).toBe(0)
    expect(output).toContain('npm start -- redis://10.0.0.1:6379')
  })
})
