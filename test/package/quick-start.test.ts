import { describe, expect, it } from 'vitest'
import { quickStart } from './quick-start.ts'

const fence = '```'
const readme = `# A thing

${fence}js
import { other } from 'not-this'
${fence}

## Quick start, in ten lines

${fence}sh
# npm install
npm install a-thing
${fence}

Then:

${fence}ts
import { join, sep as separator } from 'node:path'
import os from 'node:os'
import type { Thing } from 'a-thing'

const path: string = await Promise.resolve(join('a', 'b'))
console.log(path === 'a' + separator + 'b') // → true
console.log(typeof os.cpus) // prints: function
${fence}

## Next
`

describe('the quick start of the README', () => {
  it('is found below its heading, and runs as an ES module', () => {
    const { esm, prints } = quickStart(readme)
    expect(esm).toContain(`import { join, sep as separator } from 'node:path'`)
    expect(esm).toContain(`const path = await`)
    expect(esm).not.toContain('a-thing')
    expect(prints).toEqual(['true', 'function'])
  })

  it('is made into CommonJS', () => {
    const { cjs } = quickStart(readme)
    expect(cjs).toContain(`const { join, sep: separator } = require('node:path')\nconst os = require('node:os')\n`)
    expect(cjs).not.toMatch(/\bimport\b/)
    expect(cjs.indexOf('async function main')).toBeLessThan(cjs.indexOf('await'))
  })

  it('has a CommonJS form of its own where the README gives one', () => {
    const both = readme.replace('## Next', `${fence}js\nconst { join } = require('node:path')\n${fence}\n## Next`)
    expect(quickStart(both).cjs).toBe(`const { join } = require('node:path');\n`)
  })

  it.each([
    ['no heading', '# A thing\n', 'no heading "Quick start"'],
    ['no code', '## Quick start\nSoon.\n## Next\n' + readme.slice(0, 60), 'no JavaScript block'],
    ['nothing printed', `## Quick start\n${fence}js\nimport 'x'\n${fence}\n`, 'no line "console.log'],
  ])('fails clearly with %s', (_, text, message) => {
    expect(() => quickStart(text)).toThrow(message)
  })
})
