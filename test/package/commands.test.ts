import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/servers.ts'

const run = promisify(execFile)
const scripts = new URL('../../scripts/', import.meta.url)

/** Runs a line of JavaScript with one of the scripts as `it`, in a process of its own. */
function withScript(name: string, code: string, env: NodeJS.ProcessEnv = process.env): Promise<{ stdout: string }> {
  const program = `import * as it from '${new URL(name, scripts).href}'\n${code}`
  return run(process.execPath, ['--input-type=module', '-e', program], { env })
}

describe('the commands', () => {
  it('refuse an old Node, and say which one they need', async () => {
    const refused = { code: 1, stderr: expect.stringContaining('needs Node 20.19 or newer; this is Node 20.18.3') }
    await expect(withScript('setup.mjs', `it.checkNode('20.18.3')`)).rejects.toMatchObject(refused)
    for (const version of ['20.19.0', '21.0.0', '26.1.0']) await withScript('setup.mjs', `it.checkNode('${version}')`)
  })

  it('say in one line how to get servers that are missing, and fail', async () => {
    // Nothing on the search path: no servers, and no apt-get to install them with.
    const failed = withScript('servers.mjs', 'await it.ensureServers()', { PATH: '/nowhere' })
    const message = /^[^\n]*redis-server and memcached are missing[^\n]*apt-get[^\n]*brew[^\n]*docker compose[^\n]*\n$/
    await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(message) })
  })
})

describe('what a test run left behind', () => {
  let folder: string
  const children: ChildProcess[] = []

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sharded-cache-pids-'))
  })
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  function start(registeredAs: string): ChildProcess {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    children.push(child)
    writeFileSync(join(folder, `${child.pid}`), registeredAs)
    return child
  }

  it('is ended by process id; a process that has the id by now is not', async () => {
    const left = start('node')
    const stranger = start('redis-server')
    writeFileSync(join(folder, '999999999'), 'node')
    const { stdout } = await withScript('servers.mjs', `console.log(it.endLeftovers('${folder}').join())`)
    expect(stdout).toBe(`node (${left.pid})\n`)
    await until(() => left.signalCode === 'SIGKILL', 'the end of the process')
    expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null])
  })
})
