import { describe, expect, it } from 'vitest'
import { Child } from '../../bench/kit/child.ts'
import { renderLeftOut, takePart } from '../../bench/kit/contender.ts'
import { versionOf } from '../../bench/kit/machine.ts'

describe('who takes part', () => {
  it('is named with a version; who cannot be had is left out with the reason', () => {
    const found = takePart([
      { name: 'here', of: 'memjs' },
      { name: 'not installed', of: 'no-such-package', competitor: true },
      { name: 'on a newer Node', of: 'memjs', newer: true },
    ])
    expect(found.taking.map(({ name }) => name)).toEqual(['here'])
    expect(found.versions).toEqual({ here: versionOf('memjs') })
    expect(renderLeftOut(found.leftOut)).toBe(
      '\nLeft out: not installed (no-such-package is not installed in bench/competitors)' +
        '\nLeft out: on a newer Node (it needs a newer Node, and none could be had)',
    )
    expect(renderLeftOut([])).toBe('')
  })
})

describe('the process of a contender', () => {
  it.each([
    ['what is installed', undefined, 6],
    ['another package, when told to', { ioredis: 'ioredis5' }, 5],
  ])('loads %s', async (_, instead, major) => {
    const child = new Child<object, number>(new URL('./which-ioredis.ts', import.meta.url), {
      name: 'ioredis',
      of: 'ioredis',
      ...(instead && { instead }),
    })
    expect(await child.ask({})).toBe(major)
    await child.stop()
  })
})
