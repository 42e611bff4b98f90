import { createServer, type AddressInfo } from 'node:net'
import { Client } from 'memjs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ShardedCache } from '../../src/cache.ts'
import { memcachedNode, type MemjsClient } from '../../src/memcached/index.ts'
import { memoryNode } from '../../src/node/memory.ts'
import type { NodeSpec } from '../../src/node/spec.ts'
import { makeCache } from '../support/caches.ts'
import { startSasl, type SaslServer } from '../support/sasl.ts'
import { freePort, startMemcached, type TestServer } from '../support/servers.ts'
import { exercise, leaks, secret, Watch } from './canary.ts'

const RIGHT = secret('right')
const WRONG = secret('wrong')
const KEYS = ['k1', 'k2', 'k3']
let server: TestServer
let sasl: SaslServer

beforeAll(async () => {
  server = await startMemcached()
  sasl = await startSasl(server.port, { username: 'app', password: RIGHT })
})
afterAll(async () => {
  await sasl?.stop()
  await server?.stop()
})

function own(port: number, password = RIGHT): NodeSpec {
  return memcachedNode(`memcached://app:${encodeURIComponent(password)}@127.0.0.1:${port}`, { id: 'n' })
}

/** A node on the application's own client. */
function lend(port: number, password = RIGHT): NodeSpec {
  const client = Client.create(`127.0.0.1:${port}`, { username: 'app', password, retries: 0, timeout: 0.2 })
  onTestFinished(() => client.close())
  return memcachedNode(client as MemjsClient, { id: 'n' })
}

/** A server that answers all that is said to it with the same bytes again. */
async function startEcho(): Promise<number> {
  const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void echo.close())
  return (echo.address() as AddressInfo).port
}

describe('secrets and memcached', () => {
  it.each<[string, () => NodeSpec]>([
    ['a wrong password in the URL', () => own(sasl.port, WRONG)],
    [
      'a wrong password as an option',
      () => memcachedNode(`memcached://127.0.0.1:${sasl.port}`, { username: 'app', password: WRONG }),
    ],
    ['no password', () => memcachedNode(`memcached://127.0.0.1:${sasl.port}`)],
    ['a password for a server that asks for none', () => own(server.port)],
    ['a client with a wrong password', () => lend(sasl.port, WRONG)],
  ])('refused: %s', async (_, makeNode) => {
    const watch = new Watch()
    const cache = await makeCache({ nodes: [memoryNode('m')] })
    watch.listen(cache)
    const node = makeNode()
    await watch.catch(() => ShardedCache.create({ nodes: [node] }).then((made) => made.close()))
    await watch.catch(() => cache.addNode(node))
    await exercise(cache, watch, KEYS)
    const said = watch.stop()
    expect(leaks(said)).toEqual([])
    expect(said.includes('ERR_AUTH')).toBe(true)
  })

  it.each<[string, () => Promise<NodeSpec[]>]>([
    ['a server that is not there', async () => [own(await freePort()), lend(await freePort())]],
    ['a server that says everything back', async () => [own(await startEcho()), lend(await startEcho())]],
    [
      'a server without memory',
      async () => {
        // `-M`: an error instead of eviction.
        const full = await startMemcached({ args: ['-m', '2', '-M'] })
        onTestFinished(() => full.stop())
        const filler = await makeCache({ nodes: [memcachedNode(full.url)] })
        for (let i = 0; i < 200; i++) await filler.set(`filler:${i}`, 'x'.repeat(100_000))
        const client = Client.create(`127.0.0.1:${full.port}`, { retries: 0 })
        onTestFinished(() => client.close())
        return [memcachedNode(full.url, { id: 'n' }), memcachedNode(client as MemjsClient, { id: 'n' })]
      },
    ],
    [
      'a server that hangs',
      async () => {
        const hung = await startMemcached()
        onTestFinished(() => hung.stop())
        const front = await startSasl(hung.port, { username: 'app', password: RIGHT })
        onTestFinished(() => front.stop())
        const nodes = [own(front.port), lend(front.port)]
        hung.pause()
        return nodes
      },
    ],
  ])('in trouble: %s', async (_, makeNodes) => {
    const watch = new Watch()
    for (const node of await makeNodes())
      for (const onNodeError of ['miss', 'throw'] as const) {
        const cache = await ShardedCache.create({ nodes: [node], onNodeError, nodeTimeout: 50 })
        onTestFinished(() => cache.close())
        watch.listen(cache)
        await exercise(cache, watch, KEYS)
        await watch.catch(() => cache.set('big', secret('value').repeat(40_000)))
        await watch.catch(() => cache.set('fits', secret('value').repeat(4_000)))
      }
    expect(leaks(watch.stop())).toEqual([])
    expect(watch.types).toContain('node-error')
  })

  it('a value that the server holds no more because it is too large', async () => {
    const small = await startMemcached({ args: ['-I', '16k', '-o', 'slab_chunk_max=8192'] })
    onTestFinished(() => small.stop())
    const watch = new Watch()
    const client = Client.create(`127.0.0.1:${small.port}`, { retries: 0 })
    onTestFinished(() => client.close())
    for (const node of [memcachedNode(small.url, { id: 'n' }), memcachedNode(client as MemjsClient, { id: 'n' })]) {
      const cache = await makeCache({ nodes: [node] })
      watch.listen(cache)
      watch.heard.push(await cache.set('key', secret('value').repeat(2_000)).catch((error: unknown) => error))
      watch.heard.push(cache.stats(), await cache.health())
    }
    expect(leaks(watch.stop())).toEqual([])
  })
})
