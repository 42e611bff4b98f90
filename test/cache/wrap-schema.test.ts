import { describe, expect, expectTypeOf, it } from 'vitest'
import type { StandardSchema } from '../../src/entry/schema.ts'
import type { WrappedMany } from '../../src/types.ts'
import { bench, collect, rejection } from '../support/caches.ts'

interface Row {
  id: number
  born: string
}

interface Person {
  id: number
  born: Date
}

/** Makes persons of rows. */
function schema(asynchronous = false): StandardSchema<Person> {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        const { id, born } = (value ?? {}) as Partial<Row>
        const result =
          typeof id === 'number' && typeof born === 'string'
            ? { value: { id, born: new Date(born) } }
            : { issues: [{ message: 'no person' }] }
        return asynchronous ? Promise.resolve(result) : result
      },
    },
  }
}

const key = (id: number): string => `person:${id}`
const row = (id: number): Row => ({ id, born: '1815-12-10' })
const person = (id: number): Person => ({ id, born: new Date('1815-12-10') })

describe.each([
  ['synchronous', false],
  ['asynchronous', true],
])('wrap with a schema that is %s', (_, asynchronous) => {
  it('gives what the schema makes of it, loaded or cached', async () => {
    const { cache } = await bench()
    const find = cache.wrap((id: number) => Promise.resolve(row(id)), { key, schema: schema(asynchronous) })
    expect(await find(1)).toEqual(person(1))
    expect(await find(1)).toEqual(person(1))
    expect(await find.refresh(1)).toEqual(person(1))
    // What is stored is what the function returned.
    expect(await cache.get('person:1')).toEqual(row(1))
  })

  it('takes what does not fit on a node as a miss', async () => {
    const { cache } = await bench()
    const dropped = collect(cache, 'dropped')
    let calls = 0
    const run = (id: number): Row => {
      calls++
      return row(id)
    }
    await cache.set('person:1', { name: 'of an older version' })
    expect(await cache.wrap(run, { key, schema: schema(asynchronous) })(1)).toEqual(person(1))
    expect(calls).toBe(1)
    expect(dropped.map(({ reason, key: of }) => [reason, of])).toEqual([['schema', 'person:1']])
    // The control: without a schema, the old one is a hit.
    await cache.set('person:2', { name: 'of an older version' })
    expect(await cache.wrap(run, { key })(2)).toEqual({ name: 'of an older version' })
    expect(calls).toBe(1)
  })

  it('rejects what does not fit from the function, and caches it not', async () => {
    const { cache } = await bench()
    const find = cache.wrap(() => ({ secret: 'x' }), { key: () => 'person:1', schema: schema(asynchronous) })
    const error = await rejection(find())
    expect(error).toMatchObject({ code: 'ERR_LOADER_RESULT' })
    expect((error as Error).message).toMatch(/no person$/)
    expect(await cache.get('person:1')).toBeUndefined()
  })

  it('is the same for wrapMany', async () => {
    const { cache } = await bench()
    const calls: number[][] = []
    const find = cache.wrapMany(
      (ids: number[]) => {
        calls.push(ids)
        return ids.map((id) => [id, row(id)] as const)
      },
      { key, schema: schema(asynchronous) },
    )
    await cache.set('person:1', { name: 'of an older version' })
    await cache.set('person:2', row(2))
    const people = new Map([1, 2, 3].map((id) => [id, person(id)]))
    expect(await find([1, 2, 3])).toEqual(people)
    expect(await find([1, 2, 3])).toEqual(people)
    expect(calls).toEqual([[1, 3]])
  })
})

describe('wrap with a schema', () => {
  it('does not ask the schema about "there is none"', async () => {
    const { cache } = await bench()
    const find = cache.wrap((id: number) => (id > 0 ? row(id) : undefined), { key, schema: schema() })
    expect(await find(-1)).toBeUndefined()
  })

  it('keeps in L1 what the schema made', async () => {
    const { cache } = await bench({ l1: {} })
    const find = cache.wrap((id: number) => row(id), { key, schema: schema() })
    await find(1)
    expect(cache.peek('person:1')).toEqual(person(1))
    expect(await find(1)).toEqual(person(1))
  })

  it('of a space goes by its own, with all else that the space has', async () => {
    const { cache, clock } = await bench()
    const refusing: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'never' }] }) },
    }
    const people = cache.space('person', { ttl: 100, schema: refusing })
    const options = { key: (id: number) => `${id}` }
    expect(await rejection(people.wrap(row, options)(1))).toMatchObject({ code: 'ERR_LOADER_RESULT' })
    const find = people.wrap(row, { ...options, schema: schema() })
    expect(await find(1)).toEqual(person(1))
    expect(await cache.get('person:1')).toEqual(row(1))
    clock.advance(100)
    expect(await cache.get('person:1')).toBeUndefined()
  })

  it('has the type that the schema makes', async () => {
    const { cache } = await bench()
    const with_ = { key, schema: schema() }
    const certain = cache.wrap((id: number) => row(id), with_)
    expectTypeOf(certain).returns.resolves.toEqualTypeOf<Person>()
    const perhaps = cache.wrap((id: number): Promise<Row | undefined> => Promise.resolve(row(id)), with_)
    expectTypeOf(perhaps).returns.resolves.toEqualTypeOf<Person | undefined>()
    const untyped = cache.wrap((id: number): unknown => row(id), with_)
    expectTypeOf(untyped).returns.resolves.toEqualTypeOf<Person | undefined>()
    const plain = cache.wrap((id: number) => Promise.resolve(row(id)), { key })
    expectTypeOf(plain).returns.resolves.toEqualTypeOf<Row>()
    const many = cache.wrapMany((ids: number[]) => new Map(ids.map((id) => [id, row(id)])), with_)
    expectTypeOf(many).toEqualTypeOf<WrappedMany<number, Person>>()
  })

  it('refuses what is no schema at once', async () => {
    const { cache } = await bench()
    expect(() => cache.wrap(row, { key, schema: 1 as never })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(/Standard Schema.*given: 1$/) }),
    )
  })
})
