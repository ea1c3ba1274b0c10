import { describe, expect, test } from 'vitest'
import { RefusedBefore } from '../../../src/delivery/isolation/refused-before.ts'

describe('a row that was refused while everything seemed to be refused', () => {
  test('is bad if it is refused again after something else was accepted, and counts once', () => {
    const memory = new RefusedBefore(2)
    memory.halted(['a'])
    expect(memory.isProven('a')).toBe(false)
    memory.accepted(['b'])
    expect(memory.isProven('c')).toBe(false)
    expect(memory.isProven('a')).toBe(true)
    expect(memory.isProven('a')).toBe(false)
  })

  test('is good once it was accepted itself', () => {
    const memory = new RefusedBefore(2)
    memory.halted(['a', 'b'])
    memory.accepted(['a'])
    expect(memory.isProven('a')).toBe(false)
    expect(memory.isProven('b')).toBe(true)
  })

  test('stays known through another acceptance, and through another halt', () => {
    const memory = new RefusedBefore(2)
    memory.halted(['a'])
    memory.accepted(['x'])
    memory.halted(['a', 'b'])
    // `a` was refused before that acceptance, `b` only since.
    expect(memory.isProven('b')).toBe(false)
    expect(memory.isProven('a')).toBe(true)
    memory.accepted(['y'])
    expect(memory.isProven('b')).toBe(true)
  })

  test('is proven by an acceptance only within its number of proofs', () => {
    const memory = new RefusedBefore(2)
    memory.halted(['a', 'b', 'c'])
    memory.accepted(['x'])
    expect(['a', 'b', 'c'].map((row) => memory.isProven(row))).toEqual([true, true, false])
    memory.accepted(['y'])
    expect(memory.isProven('c')).toBe(true)
  })

  test('is forgotten, the oldest first, beyond ten thousand rows', () => {
    const memory = new RefusedBefore(20_000)
    const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `row ${from + i}`)
    memory.halted(rows(0, 10_000))
    memory.halted(rows(10_000, 10_003))
    memory.accepted(['x'])
    const proven = rows(0, 10_003).filter((row) => memory.isProven(row))
    expect(proven).toEqual(rows(3, 10_003))
  })

  test('is not remembered beside ten thousand from before an acceptance', () => {
    const memory = new RefusedBefore(20_000)
    memory.halted(Array.from({ length: 10_000 }, (_, i) => `row ${i}`))
    memory.accepted(['x'])
    memory.halted(['late'])
    memory.accepted(['y'])
    expect(memory.isProven('late')).toBe(false)
    expect(memory.isProven('row 0')).toBe(true)
  })
})
