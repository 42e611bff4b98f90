import { describe, expect, it } from 'vitest'
import { Budget } from '../../src/base/budget.ts'

const taken = (budget: Budget): number => {
  let count = 0
  while (budget.take()) count++
  return count
}

describe('a budget', () => {
  it('begins full, and gives no more than it has', () => {
    const budget = new Budget(0.2, 3)
    expect([taken(budget), budget.take()]).toEqual([3, false])
  })

  it('earns a share of a token per request', () => {
    const budget = new Budget(0.25, 10)
    taken(budget)
    for (let i = 0; i < 3; i++) budget.earn()
    expect(budget.take()).toBe(false)
    budget.earn()
    expect([budget.take(), budget.take()]).toEqual([true, false])
  })

  it('holds no more than its most, however long nothing is taken', () => {
    const budget = new Budget(0.5, 5)
    for (let i = 0; i < 1_000; i++) budget.earn()
    expect(taken(budget)).toBe(5)
  })

  it('adds no more than its share in the long run', () => {
    const budget = new Budget(0.2, 10)
    let retries = 0
    for (let i = 0; i < 10_000; i++) {
      budget.earn()
      if (budget.take()) retries++
    }
    expect(retries).toBeLessThanOrEqual(2_000 + 10)
    expect(retries).toBeGreaterThan(1_990)
  })
})
