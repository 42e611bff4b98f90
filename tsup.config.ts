import type { Options } from 'tsup'
import ts from 'typescript'

const config: Options = {
  entry: {
    index: 'src/index.ts',
    redis: 'src/redis/index.ts',
    memcached: 'src/memcached/index.ts',
    testing: 'src/testing/index.ts',
  },
  format: ['esm', 'cjs'],
  target: 'es2023',
  platform: 'node',
  // Symbol.asyncDispose is in the types; a program that compiles for ES2022 has to be told of it.
  dts: { banner: '/// <reference lib="esnext.disposable" />' },
  // What two entries share is one module at run time, in both formats.
  splitting: true,
  treeshake: true,
  removeNodeProtocol: false,
  clean: true,
  plugins: [{ name: 'constants', renderChunk: (code) => ({ code: withConstants(code) }) }],
}
export default config

/**
 * The bundler makes a `var` of each constant of a module, which V8 has to read, and to look at, each time that it is used. As
 * the constants that they were, numbers, classes and functions are built into the code that uses them.
 */
function withConstants(code: string): string {
  const file = ts.createSourceFile('chunk.js', code, ts.ScriptTarget.ESNext)
  const assigned = assignedIn(file)
  const constant = ({ name, initializer }: ts.VariableDeclaration): boolean =>
    ts.isIdentifier(name) && initializer !== undefined && !assigned.has(name.text)
  let rest = code
  for (const statement of file.statements.toReversed()) {
    if (!ts.isVariableStatement(statement) || !statement.declarationList.declarations.every(constant)) continue
    const at = statement.getStart(file)
    if (rest.startsWith('var ', at)) rest = `${rest.slice(0, at)}const ${rest.slice(at + 'var '.length)}`
  }
  return rest
}

/** All names that anything is assigned to, whatever they stand for where that is done. */
function assignedIn(file: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  const take = (target: ts.Node): void => {
    if (ts.isIdentifier(target)) names.add(target.text)
    else if (!ts.isPropertyAccessExpression(target) && !ts.isElementAccessExpression(target))
      ts.forEachChild(target, take)
  }
  const look = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) take(node.left)
    if ((ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) && counts(node.operator))
      take(node.operand)
    if (ts.isForInStatement(node) || ts.isForOfStatement(node)) take(node.initializer)
    ts.forEachChild(node, look)
  }
  look(file)
  return names
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment
}

function counts(operator: ts.SyntaxKind): boolean {
  return operator === ts.SyntaxKind.PlusPlusToken || operator === ts.SyntaxKind.MinusMinusToken
}
