import { expect, test } from 'vitest'
import { BoundedLog } from '../../../src/sandbox/api/bounded-log.ts'

test('keeps the newest entries, up to a quarter more than asked for, and counts all of them', () => {
  const log = new BoundedLog<number>(100)
  for (let entry = 1; entry <= 1000; entry += 1) {
    log.push(entry)
    expect(log.entries.length).toBeLessThanOrEqual(125)
    expect(log.entries.length).toBeGreaterThanOrEqual(Math.min(entry, 100))
    expect(log.entries.at(-1)).toBe(entry)
  }
  expect(log.total).toBe(1000)
})
