import { describe, expect, it } from 'vitest'
import { until } from '../support/servers.ts'
import { Echo, talk, TEXT } from './echo.ts'
import { seeded } from './random.ts'

const echo = Echo.use()

describe('the bytes that pass a proxy', () => {
  it('passes everything on, counts it, and passes on how either side ends', async () => {
    const proxy = await echo.proxy()
    const client = echo.connect(proxy)
    await talk(client)
    expect(proxy.connections).toBe(1)
    expect(proxy.counts).toMatchObject({ accepted: 1, up: { bytes: 10, chunks: 1 }, down: { bytes: 10, chunks: 1 } })
    client.socket.end()
    await until(() => echo.endings.length === 1 && client.ended === 'fin' && proxy.connections === 0)
    const other = echo.connect(proxy)
    await talk(other)
    other.socket.resetAndDestroy()
    await until(() => echo.endings.length === 2 && proxy.connections === 0)
    expect(echo.endings).toEqual(['fin', 'ECONNRESET'])
  })

  it('passes on large amounts as they are', async () => {
    const client = echo.connect(await echo.proxy())
    const large = TEXT.repeat(500_000)
    await talk(client, large)
  })

  it.each(['reset', 'fin'] as const)('cuts after byte n with a %s: what came before arrives', async (how) => {
    const proxy = await echo.proxy()
    for (let at = 0; at <= TEXT.length; at++) {
      const client = echo.connect(proxy)
      const rule = proxy.fault({ kind: 'cut', how }, { at })
      client.send()
      await rule.done
      await until(() => client.ended !== undefined, `the cut at ${at}`)
      expect([at, client.text, client.ended]).toEqual([at, TEXT.slice(0, at), how === 'fin' ? 'fin' : 'ECONNRESET'])
    }
    expect(proxy.counts.struck.cut).toBe(TEXT.length + 1)
    await talk(echo.connect(proxy))
  })

  it('cuts on the way up: the server gets what came before, and the client learns of it', async () => {
    const proxy = await echo.proxy()
    const client = echo.connect(proxy)
    proxy.fault({ kind: 'cut' }, { direction: 'up', at: 4 })
    client.send()
    await until(() => client.ended !== undefined && echo.endings.length > 0)
    expect(echo.heard).toBe('abcd')
    expect(echo.endings).toEqual(['ECONNRESET'])
  })

  it('inserts, flips and drops at any byte', async () => {
    const proxy = await echo.proxy()
    const client = echo.connect(proxy)
    for (let at = 0; at < TEXT.length; at++) {
      const [before, after] = [TEXT.slice(0, at), TEXT.slice(at)]
      proxy.fault({ kind: 'insert', bytes: Buffer.from('XY') }, { at })
      await talk(client, TEXT, `${before}XY${after}`)
      proxy.fault({ kind: 'flip', mask: 0x20 }, { at })
      await talk(client, TEXT, before + after[0]!.toUpperCase() + after.slice(1))
      proxy.fault({ kind: 'drop', bytes: 3 }, { at })
      // What the end of the reply did not have is taken from the next one.
      client.send()
      await talk(client, TEXT, (before + after + TEXT).slice(0, at) + (after + TEXT).slice(3))
    }
    await talk(client)
  })

  it('strikes after the k-th chunk, and swallows a whole reply', async () => {
    const proxy = await echo.proxy()
    const client = echo.connect(proxy)
    proxy.fault({ kind: 'insert', bytes: Buffer.from('!') }, { chunk: 2 })
    const swallow = proxy.fault({ kind: 'drop', bytes: 'chunk' }, { chunk: 2 })
    await talk(client, 'one')
    await talk(client, 'two', 'two!')
    client.send('three')
    await swallow.done
    await talk(client, 'four')
  })

  it('strikes as often as it was told, on the connections it was told, until it is removed', async () => {
    const proxy = await echo.proxy()
    const old = echo.connect(proxy)
    await talk(old)
    const rule = proxy.fault({ kind: 'insert', bytes: Buffer.from('-') }, { at: 4, times: Infinity, on: 'new' })
    await talk(old)
    const client = echo.connect(proxy)
    await talk(client, TEXT, 'abcd-efgh-ij')
    await talk(client, TEXT, 'ab-cdef-ghij-')
    expect(rule.count).toBe(5)
    rule.remove()
    await talk(client)
    const twice = proxy.fault({ kind: 'insert', bytes: Buffer.from('-') }, { times: 2 })
    await talk(client, 'a', '-a')
    await talk(client, 'a', '-a')
    await talk(client, 'a', 'a')
    await twice.done
    expect(proxy.counts.struck.insert).toBe(7)
  })

  it('holds all that follows byte n, while the connection stays open', async () => {
    const proxy = await echo.proxy()
    const client = echo.connect(proxy)
    const rule = proxy.fault({ kind: 'hold' }, { at: 5 })
    client.send()
    await rule.done
    await until(() => client.text === 'abcde')
    client.send()
    await until(() => echo.heard.length === 20)
    expect([client.text, client.ended]).toEqual(['abcde', undefined])
  })

  it('delays each direction by itself, in order', async () => {
    const proxy = await echo.proxy({ random: seeded(1) })
    const client = echo.connect(proxy)
    await talk(client)
    proxy.delay(30, 'up')
    proxy.delay(30, 'down', 20)
    const begun = performance.now()
    await talk(client, '1')
    expect(performance.now() - begun).toBeGreaterThanOrEqual(60)
    for (const digit of '23456789') {
      client.send(digit)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => client.text.endsWith('123456789'))
    expect(() => proxy.delay(1, 'up', 1)).not.toThrow()
    const plain = await echo.proxy()
    expect(() => plain.delay(1, 'up', 1)).toThrow('`random`')
  })

  it('splits: each piece is read by itself', async () => {
    const proxy = await echo.proxy()
    const client = echo.connect(proxy)
    await talk(client)
    proxy.split(1, 'down')
    await talk(client)
    expect(client.chunks).toEqual([TEXT, ...TEXT.split('')])
    proxy.split(4, 'down')
    await talk(client)
    expect(client.chunks.slice(11)).toEqual(['abcd', 'efgh', 'ij'])
  })
})
