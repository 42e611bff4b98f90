import ts from 'typescript'

/** The quick start of a README, as two programs that can be run. */
export interface QuickStart {
  /** As an ES module. */
  esm: string
  /** As a CommonJS module. */
  cjs: string
  /** The lines it prints: what follows `//` behind each `console.log(…)`. */
  prints: string[]
}

const BLOCK = /^```(?:js|mjs|cjs|javascript|ts|typescript)\b[^\n]*\n([\s\S]*?)^```/gm
const IMPORT = /^import\s+(?:\*\s+as\s+(\w+)|(\w+)|\{([^}]*)\})\s+from\s+(['"][^'"]+['"]);?[ \t]*$/gm

/**
 * Takes the first code block below the heading "Quick start". A second block that calls `require` is taken as the
 * CommonJS form; without one, the form is made from the first block.
 *
 * @throws Error when there is no such heading, no code below it, or nothing that it says it prints
 */
export function quickStart(readme: string): QuickStart {
  const heading = /^(#+)[ \t]+Quick start\b.*$/im.exec(readme)
  if (heading === null) throw new Error('README.md has no heading "Quick start"')
  const rest = readme.slice(heading.index + heading[0].length)
  const end = new RegExp(`^#{1,${heading[1]?.length}}[ \\t]`, 'm').exec(withoutCode(rest))
  const blocks = [...rest.slice(0, end?.index).matchAll(BLOCK)].map((match) => match[1] ?? '')
  const esm = blocks.find((block) => /^import\s/m.test(block))
  if (esm === undefined) throw new Error('README.md has no JavaScript block with an import below "Quick start"')
  const prints = [...esm.matchAll(/console\.log\(.*\)[ \t]*\/\/[ \t]*(?:→|=>|prints:?)?[ \t]*(.+)$/gm)]
  if (prints.length === 0)
    throw new Error('the quick start in README.md has no line "console.log(…) // what it prints"')
  const cjs = blocks.find((block) => block.includes('require('))
  const plain = withoutTypes(esm)
  return {
    esm: plain,
    cjs: cjs === undefined ? toCommonJs(plain) : withoutTypes(cjs),
    prints: prints.map((match) => (match[1] ?? '').trim()),
  }
}

/** Blanks the code blocks, keeping every position: a `#` in them is no heading. */
function withoutCode(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ' '))
}

function withoutTypes(code: string): string {
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true }
  return ts.transpileModule(code, { compilerOptions: options }).outputText
}

/** Makes `require` of each `import`, and a function of the rest, which may use `await`. */
function toCommonJs(code: string): string {
  const requires: string[] = []
  const body = code.replace(IMPORT, (_, star?: string, one?: string, names?: string, from?: string) => {
    requires.push(`const ${star ?? one ?? `{ ${names?.replace(/\s+as\s+/g, ': ').trim()} }`} = require(${from})`)
    return ''
  })
  return `${requires.join('\n')}\n\nasync function main() {\n${body.trim()}\n}\nvoid main()\n`
}
