import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { drawings } from '../../docs/pictures/drawings.ts'
import { root } from './markdown.ts'

describe('the drawn pictures', async () => {
  it.each([...(await drawings())])('%s is what its program draws', (name, svg) => {
    expect(readFileSync(join(root, 'docs/images', name), 'utf8')).toBe(svg)
  })
})
