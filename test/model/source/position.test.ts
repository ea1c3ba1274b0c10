import { expect, test } from 'vitest'
import { parseLsn } from '../../../src/model/source/lsn.ts'
import { comparePositions, type Position } from '../../../src/model/source/position.ts'

const position = (commitLsn: string, ordinal: number): Position => ({ commitLsn: parseLsn(commitLsn), ordinal })

test('compares the commit first, then the ordinal within it', () => {
  expect(comparePositions(position('0/9', 1), position('0/A', 1))).toBeLessThan(0)
  expect(comparePositions(position('1/0', 1), position('0/FFFFFFFF', 9))).toBeGreaterThan(0)
  expect(comparePositions(position('0/9', 2), position('0/9', 10))).toBeLessThan(0)
  expect(comparePositions(position('0/9', 2), position('0/9', 2))).toBe(0)
})
