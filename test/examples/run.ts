import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A program of `examples` that runs. */
export interface Run {
  /** What it has written so far, both streams in one. */
  output(): string
  kill(signal: NodeJS.Signals): void
  /** Resolves at its end. */
  readonly ended: Promise<{ code: number | null; output: string; errors: string }>
}

/** Starts an example as `npm start` and `npm run example` do, with its output piped. */
export function startExample(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: undefined, ...env },
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (data: Buffer) => (output += String(data)))
  child.stderr.on('data', (data: Buffer) => (errors += String(data)))
  const ended = new Promise<{ code: number | null; output: string; errors: string }>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output, errors }))
  })
  return { output: () => output + errors, kill: (signal) => void child.kill(signal), ended }
}
