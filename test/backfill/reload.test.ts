import { describe, expect, test } from 'vitest'
import { Reload } from '../../src/backfill/reload.ts'
import { reloadReasons } from '../../src/model/progress/backfill-run.ts'

const reload = () => new Reload({ quietMs: 5_000, maxMs: 60_000, emptyMs: 30_000 })
const mayBegin = (of: Reload, nowMs: number) => of.postponed(nowMs).length === 0

describe('a backfill that looks for rows that are gone', () => {
  test('is not postponed while the table was not emptied, however many rows come', () => {
    const table = reload()
    table.inserted(1_000)
    expect(mayBegin(table, 1_000)).toBe(true)
  })

  test('waits until the table has been quiet since it was truncated', () => {
    const table = reload()
    table.truncated(1_000)
    expect(table.postponed(1_000)).toEqual(reloadReasons)
    table.inserted(5_000)
    expect([mayBegin(table, 9_999), mayBegin(table, 10_000)]).toEqual([false, true])
  })

  test('does not wait for ever for rows that keep coming', () => {
    const table = reload()
    table.truncated(0)
    for (let ms = 0; ms < 61_000; ms += 1_000) table.inserted(ms)
    expect([mayBegin(table, 59_999), mayBegin(table, 60_000)]).toEqual([false, true])
  })

  test('waits for the first row of a table that was found empty, and looks again by itself', () => {
    const table = reload()
    table.foundEmpty(1_000)
    expect([mayBegin(table, 30_999), mayBegin(table, 31_000)]).toEqual([false, true])
    table.inserted(2_000)
    expect([mayBegin(table, 6_999), mayBegin(table, 7_000)]).toEqual([false, true])
  })
})
