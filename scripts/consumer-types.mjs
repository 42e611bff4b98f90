/**
 * `node scripts/consumer-types.mjs`: compiles scripts/consumer/program.mts against the packed package, as users with
 * different compilers and settings would: TypeScript 5.9, 6 and 7; as an ES module and CommonJS under NodeNext, and for a
 * bundler. The declarations themselves are checked too (`skipLibCheck: false`), with no more than ES2022 and Node's types.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { npm, root, run } from './process.mjs'
import { setUp } from './setup.mjs'

const COMPILERS = ['5.9', '6', '7']
const WAYS = [
  { name: 'ESM', file: 'program.mts', module: 'NodeNext', moduleResolution: 'NodeNext' },
  { name: 'CommonJS', file: 'program.cts', module: 'NodeNext', moduleResolution: 'NodeNext' },
  { name: 'bundler', file: 'program.ts', module: 'ESNext', moduleResolution: 'bundler' },
]

await setUp()
const folder = mkdtempSync(join(tmpdir(), 'sharded-cache-types-'))
try {
  await prepare()
  for (const compiler of COMPILERS) for (const way of WAYS) await compile(compiler, way)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function prepare() {
  await must(npm(['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder], { quiet: true }))
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const compilers = COMPILERS.map((version) => `typescript-${version}@npm:typescript@${version}`)
  const packages = [`./${tarball}`, 'ioredis', 'memjs', '@types/memjs', '@types/node@20', ...compilers]
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--prefix', folder]
  await must(npm(['install', ...packages, ...quiet], { quiet: true, cwd: folder }))
  for (const { name, file, ...settings } of WAYS) {
    mkdirSync(join(folder, name))
    copyFileSync(join(root, 'scripts', 'consumer', 'program.mts'), join(folder, name, file))
    const compilerOptions = {
      ...settings,
      target: 'ES2022',
      lib: ['ES2022'],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    }
    writeFileSync(join(folder, name, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }))
  }
}

async function must(running) {
  const { code, output } = await running
  if (code !== 0) throw new Error(output)
}

async function compile(compiler, { name }) {
  const tsc = join(folder, 'node_modules', `typescript-${compiler}`, 'bin', 'tsc')
  const { code, output } = await run(process.execPath, [tsc, '-p', join(folder, name)], { quiet: true })
  console.log(code === 0 ? `ok: TypeScript ${compiler}, ${name}` : `FAILED: TypeScript ${compiler}, ${name}\n${output}`)
  if (code !== 0) process.exitCode = 1
}
