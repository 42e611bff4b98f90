import * as nodeTest from 'node:test'
import { beforeAll, describe, expect, it } from 'vitest'
import { conformanceCases, describeAdapter } from '../../src/testing/index.ts'
import type { ConformanceCase, ConformanceSetup, TestRunner } from '../../src/testing/index.ts'
import { brokenData, type Broken } from './broken-data.ts'
import { brokenLife } from './broken-life.ts'
import { brokenPowers } from './broken-powers.ts'
import { toyAdapter, ToyServer } from './toy.ts'

function toySetup(mutant?: Broken): ConformanceSetup {
  const server = new ToyServer()
  return {
    open: ({ identified }) => {
      const honest = toyAdapter(server, 'right', mutant?.tells?.(identified) ?? identified)
      return { ...honest, ...mutant?.adapt?.(honest, server) }
    },
    server: {
      stop: () => server.stop(),
      start: () => server.start(),
      pause: () => server.pause(),
      resume: () => server.resume(),
    },
    openRefused: () => toyAdapter(server, 'wrong'),
    ...mutant?.setup,
  }
}

describeAdapter('an adapter that keeps the contract', toySetup(), { describe, it })

describe('an adapter that breaks one rule is found out: it', () => {
  const all = [...brokenData, ...brokenLife, ...brokenPowers]
  const verdicts = new Map<Broken, readonly PromiseSettledResult<void>[]>()
  const about = (mutant: Broken, setup: ConformanceSetup): ConformanceCase[] =>
    conformanceCases(setup).filter((each) => each.name.includes(mutant.case))

  // All at once: what never settles or never comes about takes the suite seconds to find out.
  beforeAll(async () => {
    const judge = async (mutant: Broken): Promise<void> => {
      const cases = [...about(mutant, toySetup(mutant)), ...about(mutant, toySetup())]
      verdicts.set(mutant, await Promise.allSettled(cases.map((each) => each.run())))
    }
    await Promise.all(all.map(judge))
  })

  it.each(all)('$rule', (mutant) => {
    const control = 'fulfilled'
    expect(verdicts.get(mutant)?.map((verdict) => verdict.status)).toEqual(['rejected', control])
  })
})

describe('conformanceCases', () => {
  const open = (): ReturnType<typeof toyAdapter> => toyAdapter(new ToyServer())

  it('an adapter without removeIf passes, whether the setup says so or not', async () => {
    const setup: ConformanceSetup = {
      open: ({ identified }) => ({ ...toyAdapter(new ToyServer(), 'right', identified), powers: {} }),
    }
    for (const without of [[], ['removeIf']] as const) {
      const about = conformanceCases({ ...setup, without }).filter((each) => each.name.includes('removeIf'))
      expect(about.length).toBeGreaterThan(3)
      for (const each of about) {
        expect(each.notApplicable).toBe(without.length === 0 ? undefined : 'no removeIf power')
        await each.run()
      }
    }
  })

  it('names what is not applicable, and why; nothing is left out', () => {
    const all = conformanceCases(toySetup())
    const bare = conformanceCases({ open, without: ['info', 'removeIf', 'value-limit'] })
    expect(all.filter((each) => each.notApplicable !== undefined)).toEqual([])
    expect(bare).toHaveLength(all.length)
    const named = bare.filter((each) => each.name.startsWith('not applicable ('))
    expect(named).toEqual(bare.filter((each) => each.notApplicable !== undefined))
    expect(new Set(named.map((each) => each.notApplicable))).toEqual(
      new Set([
        'no info power',
        'no removeIf power',
        'values above 8 MiB are accepted',
        'the setup cannot stop the server',
        'the setup cannot make the server hang',
        'the setup has no credentials that are refused',
      ]),
    )
    for (const [index, each] of bare.entries()) expect(each.name.endsWith(all[index]?.name as string)).toBe(true)
  })

  it('has different names for all', () => {
    const names = conformanceCases(toySetup()).map((each) => each.name)
    expect(new Set(names).size).toBe(names.length)
  })

  it('closes what it opened, also when a case fails', async () => {
    let opened = 0
    let closed = 0
    const setup: ConformanceSetup = {
      open: () => {
        const honest = open()
        opened++
        let once = false
        return {
          ...honest,
          read: () => Promise.reject(new Error('broken')),
          close: () => {
            if (!once) closed++
            once = true
            return honest.close()
          },
        }
      },
    }
    let failed = 0
    for (const each of conformanceCases(setup)) await each.run().catch(() => failed++)
    expect(failed).toBeGreaterThan(20)
    expect(opened).toBeGreaterThan(20)
    expect(closed).toBe(opened)
  })

  it('takes an adapter that is opened with a promise', async () => {
    const [first] = conformanceCases({ open: () => Promise.resolve(open()) })
    await first?.run()
  })
})

describe('describeAdapter', () => {
  it('registers one test per case in one describe, with whatever runner', async () => {
    const groups: string[] = []
    const tests: { name: string; run: () => Promise<void>; timeout: number }[] = []
    const runner: TestRunner = {
      describe: (name, body) => {
        groups.push(name)
        body()
      },
      it: (name, run, timeout) => tests.push({ name, run, timeout }),
    }
    describeAdapter('toy', toySetup(), runner)
    expect(groups).toEqual(['toy'])
    expect(tests.map((test) => test.name)).toEqual(conformanceCases(toySetup()).map((each) => each.name))
    for (const test of tests.slice(0, 3)) await test.run()
    expect(tests.every((test) => test.timeout >= 10_000 && test.run.length === 0)).toBe(true)
  })

  it('fits the types of vitest and of node:test', () => {
    const runners: TestRunner[] = [
      { describe, it },
      { describe: nodeTest.describe, it: nodeTest.it },
    ]
    expect(runners).toHaveLength(2)
  })
})
