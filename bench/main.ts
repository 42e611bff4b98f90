import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import pc from 'picocolors'
import { endOnSignals, readFlags } from './kit/run.ts'
import { renderPage } from './page/page.ts'
import { readResults } from './page/results.ts'

const HELP = `npm run bench -- [options]

Runs all benchmarks one after the other, and draws one page of their results: bench/results/index.html.

  --page     measure nothing, draw the page again from the results that are there
  --smoke    seconds each, to walk every path; the figures mean nothing; writes to bench/out/
  --help     this text

Each also runs alone: npm run bench:remap, bench:routing, …
`
/** In this order; how long each takes is a rough guess for who waits. */
const ALL = [
  { name: 'remap', takes: 'a minute' },
  { name: 'routing', takes: 'a minute' },
  { name: 'l1', takes: 'a minute' },
  { name: 'stampede', takes: 'half a minute' },
  { name: 'loader', takes: 'two minutes' },
  { name: 'throughput', takes: 'twelve minutes' },
] as const

interface Options {
  readonly page: boolean
  readonly smoke: boolean
}

async function main({ page, smoke }: Options): Promise<number> {
  endOnSignals()
  const failed: string[] = []
  for (const [i, { name, takes }] of page ? [] : ALL.entries()) {
    console.log(pc.cyan(`\n[${i + 1} of ${ALL.length}] bench:${name}${smoke ? '' : `: ${takes}`}`))
    if ((await run(name, smoke)) !== 0) failed.push(name)
  }
  const folder = smoke ? 'bench/out' : 'bench/results'
  const path = fileURLToPath(new URL(`../${folder}`, import.meta.url))
  await mkdir(path, { recursive: true })
  await writeFile(`${path}/index.html`, renderPage(await readResults(path)))
  console.log(`\nWritten: ${folder}/index.html`)
  for (const name of failed) console.error(pc.red(`bench:${name} failed`))
  return failed.length === 0 ? 0 : 1
}

/** A process of its own for each: none is slowed down by what another one left behind. */
function run(name: string, smoke: boolean): Promise<number> {
  const program = fileURLToPath(new URL(`./${name}/main.ts`, import.meta.url))
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, ...(smoke ? ['--smoke'] : [])], {
      stdio: 'inherit',
    })
    const end = (): void => void child.kill('SIGTERM')
    process.once('exit', end)
    const done = (code: number): void => {
      process.off('exit', end)
      resolve(code)
    }
    child.once('error', () => done(1))
    child.once('close', (code) => done(code ?? 1))
  })
}

const options = readFlags(['page', 'smoke'], HELP)
if (options) process.exitCode = await main(options)
