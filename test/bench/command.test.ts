import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../../bench/remap/main.ts', import.meta.url))

function run(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', MAIN, ...args], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stdout, stderr })
    })
  })
}

describe('npm run bench:remap', () => {
  it('explains itself', async () => {
    const { code, stdout } = await run('--help')
    expect(code).toBe(0)
    expect(stdout).toMatch(/--check[\s\S]*--smoke[\s\S]*--keys/)
  })

  it.each([
    [['--keys', 'many'], '--keys must be a whole number from 1,000 to 10,000,000; given: many'],
    [['--keys', '10'], '--keys must be a whole number from 1,000 to 10,000,000; given: 10'],
    [['--check', '--smoke'], '--check compares the full run'],
    [['--chek'], "Unknown option '--chek'"],
  ])('refuses %j before it measures anything', async (args, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
  })
})
