import { join } from 'node:path'
import ts from 'typescript'
import { root } from './markdown.ts'

/** A piece of code to check, and where it stands. */
export interface Snippet {
  readonly name: string
  readonly code: string
}

/** What the snippets take for given: an application with a database, a log and some values. */
const STAND_INS = `
import type { ShardedCache as Cache, NodeAdapter as Adapter, NodeContext, NodeSpec, StandardSchema } from 'sharded-cache'
import type * as core from 'sharded-cache'
import type * as redis from 'sharded-cache/redis'
declare global {
  interface User { id: number; name: string }
  interface Session { user: number }
  interface Stock { count: number }
  interface Page { html: string }
  const cache: Cache
  const user: User
  const session: Session
  const ca: string
  const userSchema: StandardSchema<User>
  const nodesFromConfig: () => NodeSpec[]
  const log: { info(...what: unknown[]): void; warn(...what: unknown[]): void }
  const db: {
    users: { find(id: number, options?: { signal: AbortSignal }): Promise<User | undefined> }
    posts: { findMany(keys: string[]): Promise<{ id: number; text: string }[]> }
  }
  const MyAdapter: new (address: string, context: NodeContext) => Adapter
  const ShardedCache: typeof core.ShardedCache
  const memoryNode: typeof core.memoryNode
  const v8Codec: typeof core.v8Codec
  const bytesCodec: typeof core.bytesCodec
  const redisNode: typeof redis.redisNode
  type ReadPolicyFunction = core.ReadPolicyFunction
}
`

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2023.d.ts', 'lib.es2024.string.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
  paths: {
    'sharded-cache': [join(root, 'src/index.ts')],
    'sharded-cache/*': [join(root, 'src/*/index.ts')],
  },
}

/** Type-checks snippets against the sources, each as a module of its own. One line per error. */
export function typeErrors(snippets: readonly Snippet[]): string[] {
  const files = new Map([[join(root, 'stand-ins.d.ts'), STAND_INS]])
  const names = new Map<string, string>()
  for (const [index, { name, code }] of snippets.entries()) {
    const path = join(root, `snippet-${index}.ts`)
    files.set(path, `${code}\nexport {}\n`)
    names.set(path, name)
  }
  const host = ts.createCompilerHost(OPTIONS)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.readFile = (path) => files.get(path) ?? readFile(path)
  host.getSourceFile = (path, version, ...rest) => {
    const text = files.get(path)
    return text === undefined ? getSourceFile(path, version, ...rest) : ts.createSourceFile(path, text, version)
  }
  const program = ts.createProgram([...files.keys()], OPTIONS, host)
  return [...files.keys()].flatMap((path) => {
    const file = program.getSourceFile(path)
    const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]
    return found.map(({ start, messageText }) => {
      const line = file === undefined || start === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
      return `${names.get(path) ?? path}, line ${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
}

/** What keeps plain JavaScript from being parsed. */
export function syntaxErrors({ name, code }: Snippet): string[] {
  const { diagnostics = [] } = ts.transpileModule(code, { reportDiagnostics: true, fileName: 'snippet.js' })
  return diagnostics.map(({ messageText }) => `${name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
}
