import { describe, expect, it } from 'vitest'
import { syntaxErrors, typeErrors, type Snippet } from './code.ts'
import { blocks, pages } from './markdown.ts'

const snippets = pages().flatMap((page) =>
  blocks(page).map(({ language, code, line }) => ({ language, name: `${page.path}:${line}`, code })),
)
const written = (...languages: string[]): Snippet[] => snippets.filter(({ language }) => languages.includes(language))

describe('the code in the documentation', () => {
  it('has its types right', () => {
    const found = written('ts')
    expect(found.length).toBeGreaterThan(15)
    expect(typeErrors(found)).toEqual([])
  })

  it('can be parsed', () => {
    const found = written('js')
    expect(found.length).toBeGreaterThan(0)
    expect(found.flatMap(syntaxErrors)).toEqual([])
  })

  it('is in a language that is checked, or is no program', () => {
    expect(snippets.filter(({ language }) => !['ts', 'js', 'sh', ''].includes(language))).toEqual([])
  })

  it('is found wrong where it is', () => {
    const wrong = { name: 'a', code: `const hit = await cache.get<User>('user:1')\nhit.name` }
    const option = { name: 'b', code: `import { memoryNode } from 'sharded-cache'\nmemoryNode('a', { wait: 1 })` }
    expect(typeErrors([wrong, option])).toEqual([
      expect.stringMatching(/^a, line 2: .*possibly 'undefined'/),
      expect.stringMatching(/^b, line 2: .*'wait' does not exist/),
    ])
    expect(syntaxErrors({ name: 'c', code: 'const = 1' })).not.toEqual([])
  })
})
