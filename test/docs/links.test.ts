import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, normalize, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ACL_USER } from '../support/acl.ts'
import { anchors, links, page, pages, root, type Page } from './markdown.ts'

/** What is wrong with the relative links of a page. */
function broken(from: Page, all: readonly Page[]): string[] {
  return links(from)
    .filter((link) => !/^[a-z]+:/.test(link))
    .flatMap((link) => {
      const [file, anchor] = link.split('#') as [string, string?]
      const path = file === '' ? from.path : normalize(join(dirname(from.path), file))
      if (!existsSync(join(root, path))) return [`${from.path}: ${link} leads nowhere`]
      const target = all.find((each) => each.path === path)
      const known = anchor === undefined || target === undefined || anchors(target).includes(anchor)
      return known ? [] : [`${from.path}: ${link} names no heading of ${path}`]
    })
}

describe('links and images', () => {
  const all = pages()

  it.each(all.map((each) => [each.path, each] as const))('of %s lead somewhere', (_, each) => {
    expect(broken(each, all)).toEqual([])
  })

  it('are found to be broken where they are', () => {
    const text =
      '# A b, c\n[x](no.md) ![y](docs/no.svg) [z](#nowhere) [ok](#a-b-c) [web](https://example.com)\n`[code](no)`'
    expect(broken({ path: 'README.md', text }, [{ path: 'README.md', text }])).toEqual([
      'README.md: no.md leads nowhere',
      'README.md: docs/no.svg leads nowhere',
      'README.md: #nowhere names no heading of README.md',
    ])
  })

  it('reach every page from the README', () => {
    const linked = new Set(links(page('README.md')).map((link) => link.replace(/#.*$/, '')))
    expect(all.map(({ path }) => path).filter((path) => path !== 'README.md' && !linked.has(path))).toEqual([])
  })
})

describe('what the README quotes', () => {
  it('is the Redis user that is tested', () => {
    expect(page('README.md').text).toContain(`\n${ACL_USER}\n`)
  })
})

describe('the rooms in docs/architecture.md', () => {
  const { text } = page('docs/architecture.md')
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.ts'),
  )
  const satellites = ['redis', 'memcached', 'testing', 'base']

  it('have all files of the core', () => {
    const core = files.filter((path) => !satellites.includes(path.split(sep)[0] as string))
    expect(core.filter((path) => !text.includes(`${basename(path)}\``))).toEqual([])
  })

  it('have no file that is not there', () => {
    const named = [...text.matchAll(/`([\w/-]+\.ts)`/g)].map((match) => match[1] as string)
    const known = (name: string): boolean => name.startsWith('test/') || files.some((path) => path.endsWith(name))
    expect(named.filter((name) => !known(name))).toEqual([])
  })
})
