import ts from 'typescript'

/** The floors, top first. Imports run down only; the rooms on one floor do not import each other. */
const FLOORS: readonly (readonly string[])[] = [
  ['cache'],
  ['loading'],
  ['tier'],
  ['cluster'],
  ['shard'],
  ['node'],
  ['placement', 'entry'],
  ['base'],
]
/** They import the core, each for a package subpath of its own; neither the core nor another satellite imports them. */
const SATELLITES: readonly string[] = ['redis', 'memcached', 'testing']
/** Which rooms may import a third-party package. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'lru-cache': ['node', 'tier', 'loading'],
  'xxhash-wasm': ['base'],
  ioredis: ['redis'],
  memjs: ['memcached'],
}
/** Where names are gathered for people outside. Nothing inside imports these. */
const BARRELS: readonly string[] = ['index.ts', ...SATELLITES.map((room) => `${room}/index.ts`)]
/** What a library must not do to the program that uses it. */
const FORBIDDEN: readonly string[] = ['console', 'process.exit', 'setInterval']
/** The most lines of a file. */
export const MAX_LINES = 300

/** Source files: from the path below `src` to the text. */
export type Sources = ReadonlyMap<string, string>

/** What is against the rules of the house, one sentence each; nothing when all is well. */
export function violations(sources: Sources): string[] {
  const files = new Map([...sources].map(([path, text]) => [path, read(path, text)]))
  return [
    ...[...files].flatMap(([path, file]) => [
      ...room(path),
      ...file.imports.flatMap((from) => importRule(path, from, sources)),
      ...(file.reExports && !BARRELS.includes(path) ? [`${path} re-exports; only an index.ts may`] : []),
      ...file.forbidden.map((name) => `${path} uses ${name}`),
    ]),
    ...tooLong(sources),
    ...circles(new Map([...files].map(([path, { imports }]) => [path, relatives(path, imports)]))),
  ]
}

/** Files of more than {@link MAX_LINES} lines. */
export function tooLong(sources: Sources): string[] {
  return [...sources]
    .map(([path, text]) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${MAX_LINES}`)
}

/** Files at the top of `src` are the face of the house: they stand on the top floor. */
function roomOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : 'cache'
}

function floorOf(name: string): number {
  return SATELLITES.includes(name) ? -1 : FLOORS.findIndex((rooms) => rooms.includes(name))
}

function room(path: string): string[] {
  const name = roomOf(path)
  return SATELLITES.includes(name) || floorOf(name) >= 0 ? [] : [`${path} is in ${name}, which is on no floor`]
}

function importRule(path: string, from: string, sources: Sources): string[] {
  if (!from.startsWith('.')) return packageRule(path, from)
  const target = resolve(path, from)
  if (!sources.has(target)) return [`${path} imports ${from}, which is no file of src`]
  if (BARRELS.includes(target)) return [`${path} imports ${target}; import the file that has the name instead`]
  const [here, there] = [roomOf(path), roomOf(target)]
  if (here === there) return []
  if (SATELLITES.includes(there)) {
    const who = SATELLITES.includes(here) ? 'another satellite' : 'the core'
    return [`${path} imports ${target}: ${who} must not import a satellite`]
  }
  return floorOf(here) < floorOf(there) ? [] : [`${path} imports ${target}: imports run down the floors only`]
}

function packageRule(path: string, from: string): string[] {
  if (from.startsWith('node:')) return []
  const allowed = PACKAGES[from]
  if (allowed === undefined) return [`${path} imports ${from}, which no file may`]
  return allowed.includes(roomOf(path)) ? [] : [`${path} imports ${from}, which only ${allowed.join(' and ')} may`]
}

function relatives(path: string, imports: readonly string[]): string[] {
  return imports.filter((from) => from.startsWith('.')).map((from) => resolve(path, from))
}

function resolve(path: string, from: string): string {
  return new URL(from, `file:///${path}`).pathname.slice(1)
}

interface SourceFile {
  /** Module names as written, those of types included. */
  imports: string[]
  reExports: boolean
  forbidden: string[]
}

function read(path: string, text: string): SourceFile {
  const file: SourceFile = { imports: [], reExports: false, forbidden: [] }
  const visit = (node: ts.Node): void => {
    const name = moduleName(node)
    if (name !== undefined) file.imports.push(name)
    if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) file.reExports = true
    const used = ts.isIdentifier(node) || ts.isPropertyAccessExpression(node) ? node.getText() : ''
    if (FORBIDDEN.includes(used)) file.forbidden.push(used)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true))
  return file
}

function moduleName(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier)
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return literal(node.argument.literal)
  const imported = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
  return imported ? literal(node.arguments[0]) : undefined
}

function literal(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined
}

/** One circle for each file at which a walk along the imports comes back to where it is. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) found.push(`import circle: ${[...trail.slice(start), path].join(' → ')}`)
    if (start >= 0 || done.has(path)) return
    for (const next of imports.get(path) ?? []) walk(next, [...trail, path])
    done.add(path)
  }
  for (const path of imports.keys()) walk(path, [])
  return found
}
