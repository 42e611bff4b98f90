import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { quickStart } from '../package/quick-start.ts'
import { startExample } from './run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const text = (file: string): string => readFileSync(root + file, 'utf8')

/** The files of all examples but the tour, which has tests of its own. */
const files = [...readdirSync(`${root}examples`).filter((name) => name.endsWith('.ts')), 'custom-adapter/main.ts'].map(
  (name) => `examples/${name}`,
)

describe.concurrent('the examples', () => {
  it.each(files)('%s runs, and what it claims is so', async (file) => {
    const { code, output, errors } = await startExample(file).ended
    expect(errors).toBe('')
    expect(code).toBe(0)
    expect(output).not.toBe('')
  })

  it.each([
    ['redis-replicas', 'redis-server', 'apt-get install redis-server | brew install redis'],
    ['memcached', 'memcached', 'apt-get install memcached | brew install memcached'],
  ])('%s says in one line that %s is missing', async (name, program, how) => {
    const { code, errors } = await startExample(`examples/${name}.ts`, [], { PATH: '' }).ended
    expect(code).toBe(1)
    expect(errors).toBe(`This example starts ${program}, which is not on the PATH: ${how}\n`)
  })
})

describe('the list of examples', () => {
  it('names every file', () => {
    const listed = [...text('examples/README.md').matchAll(/^\| \[[\w-]+\]\(([^)]+)\)/gm)].map(([, file]) => file)
    expect(listed.map((file) => `examples/${file}`).toSorted()).toEqual(files.toSorted())
  })
})

describe('the quick start', () => {
  it('is the one of the README, line by line', () => {
    const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true }
    const { outputText } = ts.transpileModule(text('examples/quick-start.ts'), { compilerOptions })
    const lines = outputText.split('\n')
    const own = (line: string): boolean => line.trim() === '' || /assert|^\/\*\*/.test(line)
    const shown = quickStart(text('README.md')).esm.split('\n')
    expect(lines.filter((line) => !own(line))).toEqual(shown.filter((line) => !own(line)))
  })
})
