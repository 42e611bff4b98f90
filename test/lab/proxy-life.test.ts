import { describe, expect, it } from 'vitest'
import { freePort, until } from '../support/servers.ts'
import { Echo, talk, TEXT } from './echo.ts'
import { leftOver, resources } from './meters.ts'
import { startProxy } from './proxy.ts'

const echo = Echo.use()

describe('the connections of a proxy', () => {
  it('holds bytes and new connections while it is paused, and lets them go in order', async () => {
    const proxy = await echo.proxy()
    const client = echo.connect(proxy)
    await talk(client)
    proxy.pause()
    client.send('1')
    const late = echo.connect(proxy)
    late.send('2')
    await until(() => proxy.counts.up.bytes === 12)
    expect(echo.heard).toBe(TEXT)
    proxy.resume('up')
    await until(() => echo.heard.length === 12)
    expect([client.text, late.text]).toEqual([TEXT, ''])
    proxy.resume()
    await until(() => client.text === `${TEXT}1` && late.text === '2')
  })

  it('while paused: what was sent before an ordinary end arrives later, what was sent before a reset does not', async () => {
    const proxy = await echo.proxy()
    const [polite, rude] = [echo.connect(proxy), echo.connect(proxy)]
    await talk(polite, 'a')
    await talk(rude, 'b')
    proxy.pause('up')
    polite.send('ghost')
    rude.send('never')
    await until(() => proxy.counts.up.bytes === 12)
    polite.socket.end()
    rude.socket.resetAndDestroy()
    await until(() => proxy.counts.up.fins === 1 && proxy.counts.up.resets === 1)
    expect(echo.endings).toEqual([])
    proxy.resume()
    await until(() => proxy.connections === 0)
    expect(echo.heard).toBe('abghost')
    expect(echo.endings.toSorted()).toEqual(['ECONNRESET', 'fin'])
  })

  it('discards instead of holding', async () => {
    const proxy = await echo.proxy()
    const client = echo.connect(proxy)
    await talk(client)
    proxy.pause('down', { discard: true })
    client.send('lost')
    await until(() => proxy.counts.down.bytes === 14)
    proxy.resume()
    await talk(client, 'kept')
    expect(client.text).toBe(`${TEXT}kept`)
  })

  it('refuses new connections, all or the next ones, and keeps those there are', async () => {
    const proxy = await echo.proxy()
    const old = echo.connect(proxy)
    await talk(old)
    await proxy.refuse()
    const refused = echo.connect(proxy)
    await until(() => refused.ended === 'ECONNREFUSED')
    await talk(old)
    await proxy.accept()
    await proxy.refuse('reset', 1)
    const reset = echo.connect(proxy)
    await until(() => reset.ended === 'ECONNRESET')
    await talk(echo.connect(proxy))
    expect(proxy.counts).toMatchObject({ accepted: 2, refused: 1 })
  })

  it('resets all connections now, for both sides', async () => {
    const proxy = await echo.proxy()
    const both = [echo.connect(proxy), echo.connect(proxy)]
    for (const client of both) await talk(client)
    proxy.resetAll()
    await until(() => both.every(({ ended }) => ended === 'ECONNRESET') && echo.endings.length === 2)
    expect(echo.endings).toEqual(['ECONNRESET', 'ECONNRESET'])
    expect(proxy.connections).toBe(0)
  })

  it('clear makes it a plain proxy again', async () => {
    const proxy = await echo.proxy()
    const client = echo.connect(proxy)
    await talk(client)
    proxy.fault({ kind: 'flip' }, { times: Infinity })
    proxy.delay(1_000)
    proxy.split(1)
    proxy.pause()
    await proxy.refuse()
    await proxy.clear()
    await talk(client)
    await talk(echo.connect(proxy))
  })

  it('a server that is down is a reset', async () => {
    const client = echo.connect(await echo.proxy({}, await freePort()))
    await until(() => client.ended === 'ECONNRESET')
  })

  it('leaves no socket and no timer behind when it is stopped, whatever it holds', async () => {
    const before = resources()
    const proxy = await startProxy(echo.port)
    const own = [echo.connect(proxy), echo.connect(proxy), echo.connect(proxy)]
    for (const client of own) await talk(client)
    proxy.delay(60_000, 'up')
    own[0]!.send()
    proxy.pause('down')
    own[1]!.send()
    proxy.split(1)
    own[2]!.send(TEXT.repeat(100))
    await until(() => proxy.counts.up.bytes === 30 + 20 + 1_000)
    await proxy.stop()
    await proxy.stop()
    await until(() => own.every(({ ended }) => ended !== undefined))
    for (const { socket } of own) socket.destroy()
    await until(() => leftOver(before).length === 0, 'everything to be gone')
  })
})
