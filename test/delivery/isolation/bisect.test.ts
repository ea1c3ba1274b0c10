import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstProbeSize, halves } from '../../../src/delivery/isolation/bisect.ts'

test('finds a bad row among any number in as many requests as halving takes, at any index', () => {
  const requestsFor = (count: number, bad: number): number => {
    if (count < 2) return 0
    const part = firstProbeSize(count)
    return 1 + (bad < part ? requestsFor(part, bad) : requestsFor(count - part, bad - part))
  }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(), (count, mark) => {
      expect(requestsFor(count, mark % count)).toBeLessThanOrEqual(Math.ceil(Math.log2(count)))
    }),
  )
})

test('leaves a power of two after the first part, which takes the fewest requests if everything is refused', () => {
  expect([0, 1, 2, 3, 4, 5, 64, 65, 100].map(firstProbeSize)).toEqual([0, 1, 1, 1, 2, 1, 32, 1, 36])
})

test('halves rows in order, the first half the larger one', () => {
  expect(halves([1, 2, 3, 4, 5])).toEqual([
    [1, 2, 3],
    [4, 5],
  ])
  expect(halves([1, 2])).toEqual([[1], [2]])
})
