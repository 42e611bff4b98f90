import { describe, expect, it } from 'vitest'
import { memoryNode } from '../../src/node/memory.ts'
import { customNode, nodeSpec, type MemberSpec } from '../../src/node/spec.ts'
import { bareContext } from '../support/context.ts'

const adapter = memoryNode('inner').primary.open(bareContext)
const open = (): typeof adapter => adapter
const primary: MemberSpec = { address: '10.0.0.1:6379', fingerprint: 'f', open }
const refusal = (text: string): unknown =>
  expect.objectContaining({ name: 'OptionError', code: 'ERR_OPTION', message: expect.stringContaining(text) })

describe('nodeSpec', () => {
  it('takes the address for an id, and 1 for a weight', () => {
    expect(nodeSpec({}, primary)).toEqual({ id: '10.0.0.1:6379', weight: 1, primary, replicas: [] })
  })

  it('keeps what is given, and puts the zone on the primary too', () => {
    const replica: MemberSpec = { ...primary, address: '10.0.0.2:6379', zone: 'eu-1b' }
    expect(nodeSpec({ id: 'a', weight: 2.5, zone: 'eu-1a' }, primary, [replica])).toEqual({
      id: 'a',
      weight: 2.5,
      zone: 'eu-1a',
      primary: { ...primary, zone: 'eu-1a' },
      replicas: [replica],
    })
    expect(primary).not.toHaveProperty('zone')
  })

  it.each([[''], ['a\nb'], ['\ud800'], [5], [{}]])('refuses the id %j', (id) => {
    expect(() => nodeSpec({ id: id as string }, primary)).toThrow(refusal('id must be a non-empty string'))
  })

  it('refuses an id of more than 200 characters', () => {
    expect(nodeSpec({ id: 'x'.repeat(200) }, primary).id).toHaveLength(200)
    expect(() => nodeSpec({ id: 'x'.repeat(201) }, primary)).toThrow(refusal('at most 200 characters'))
  })

  it.each([[0], [-1], [Number.NaN], [Infinity], ['2'], [[]]])('refuses the weight %s', (weight) => {
    expect(() => nodeSpec({ id: 'a', weight: weight as number }, primary)).toThrow(refusal('the weight of node "a"'))
  })

  it.each([[''], [5], ['a\0']])('refuses the zone %j', (zone) => {
    expect(() => nodeSpec({ zone: zone as string }, primary)).toThrow(refusal('zone must be'))
  })
})

describe('memoryNode', () => {
  it('makes a spec without opening anything', () => {
    const spec = memoryNode('a', { weight: 2, zone: 'z', max: 10, maxBytes: 10_000 })
    expect(spec).toMatchObject({ id: 'a', weight: 2, zone: 'z', replicas: [], primary: { address: 'a', zone: 'z' } })
  })

  it.each([[{ max: 0 }], [{ max: 1.5 }], [{ max: Infinity }], [{ max: '10' }]])('refuses %j', (options) => {
    expect(() => memoryNode('a', options as object)).toThrow(refusal('max must be a whole number of at least 1'))
  })

  it.each([[0], [1_023], [Number.NaN], [Infinity]])('refuses %s for maxBytes', (maxBytes) => {
    expect(() => memoryNode('a', { maxBytes })).toThrow(refusal('maxBytes must be a whole number of at least 1024'))
  })

  it.each([[{ id: 'b' }], [{ replicas: [] }], [{ maxbytes: 5 }]])('refuses the unknown option in %j', (options) => {
    expect(() => memoryNode('a', options as object)).toThrow(refusal('memoryNode options has no option'))
  })

  it.each([[''], [undefined], [5], ['a\r\nb']])('refuses the id %j', (id) => {
    expect(() => memoryNode(id as string)).toThrow(refusal('id must be'))
  })
})

describe('customNode', () => {
  it('makes a spec of functions that open adapters, and calls none of them', () => {
    const never = (): never => {
      throw new Error('opened too early')
    }
    const spec = customNode(never, { id: 'a', weight: 3, zone: 'z', replicas: [never, never] })
    expect(spec).toMatchObject({ id: 'a', weight: 3, zone: 'z', primary: { address: 'a', zone: 'z' } })
    expect(spec.replicas.map((replica) => replica.address)).toEqual(['a/replica-1', 'a/replica-2'])
  })

  it('opens what it was given, and is told apart from others by that', () => {
    const spec = customNode(open, { id: 'a' })
    expect(spec.primary.open(bareContext)).toBe(adapter)
    expect(customNode(open, { id: 'b' }).primary.fingerprint).toBe(spec.primary.fingerprint)
    expect(customNode(() => adapter, { id: 'a' }).primary.fingerprint).not.toBe(spec.primary.fingerprint)
  })

  it('refuses what is no function, no id, and unknown options', () => {
    expect(() => customNode(adapter as never, { id: 'a' })).toThrow(refusal('the adapter of a must be a function'))
    expect(() => customNode(open, { id: 'a', replicas: [adapter as never] })).toThrow(refusal('a/replica-1 must be'))
    expect(() => customNode(open, {} as never)).toThrow(refusal('id must be'))
    expect(() => customNode(open, undefined as never)).toThrow(refusal('customNode options must be an object'))
    expect(() => customNode(open, { id: 'a', max: 1 } as never)).toThrow(refusal('no option "max"'))
  })
})
