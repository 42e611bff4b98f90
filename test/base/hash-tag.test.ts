import { describe, expect, it } from 'vitest'
import { hashTag } from '../../src/base/hash-tag.ts'

describe('hashTag', () => {
  it.each([
    ['user:1', 'user:1'],
    ['{user1000}.following', 'user1000'],
    ['{user1000}.followers', 'user1000'],
    ['cart:{user:1}:items', 'user:1'],
    ['foo{}{bar}', 'foo{}{bar}'],
    ['foo{{bar}}zap', '{bar'],
    ['foo{bar}{zap}', 'bar'],
    ['{}', '{}'],
    ['{', '{'],
    ['}', '}'],
    ['}{', '}{'],
    ['}a{b}', 'b'],
    ['a}b{c', 'a}b{c'],
    ['{a', '{a'],
    ['a}', 'a}'],
    ['{a}', 'a'],
    ['{ }', ' '],
    ['{{}', '{'],
    ['{}}', '{}}'],
    ['{тег}x', 'тег'],
    ['x{🔑}', '🔑'],
    ['', ''],
  ])('of %j is %j', (key, tag) => {
    expect(hashTag(key)).toBe(tag)
  })
})
