import { expect, test } from 'vitest'
import { ReadMarks } from '../../src/pending/read-marks.ts'
import { newEntry } from '../../src/pending/version.ts'
import { at, code, key, seesBelow } from './rows.ts'

const a = code('a')
const row = (name: string) => newEntry(key(name))
const mark = (entry: ReturnType<typeof row>, end: number, of: string | null = 'a') => ({
  entry,
  endLsn: at(end),
  snapshot: seesBelow(end),
  code: of === null ? null : code(of),
})

test('a read’s rows are known by their code until the stream has received everything before the read’s end', () => {
  const marks = new ReadMarks()
  const [one, two, three, gone] = [row('1'), row('2'), row('3'), row('4')]
  marks.add(mark(one, 100))
  marks.add(mark(gone, 100, null))
  marks.add(mark(two, 100))
  marks.add(mark(three, 200))
  expect(marks.holding(a).map(({ entry }) => entry)).toEqual([one, two, three])
  expect([marks.holding(code('b')), marks.passed(at(99))]).toEqual([[], []])

  expect(marks.passed(at(100))).toEqual([one, gone, two])
  expect(marks.holding(a).map(({ entry }) => entry)).toEqual([three])
  expect(marks.passed(at(150))).toEqual([])
  expect(marks.passed(at(200))).toEqual([three])
  expect([marks.holding(a), marks.passed(at(300))]).toEqual([[], []])
})

test('a row that two reads returned is known by the later one after the earlier was passed', () => {
  const marks = new ReadMarks()
  const one = row('1')
  marks.add(mark(one, 100))
  marks.add(mark(one, 200))
  expect(marks.passed(at(100))).toEqual([one])
  expect(marks.holding(a)).toHaveLength(1)
})

test('once two thousand rows wait for the stream to pass their read, there is no room for more; then there is again', () => {
  const marks = new ReadMarks()
  for (let count = 0; count < 1_999; count++) marks.add(mark(row(`${count}`), 100, null))
  expect(marks.full).toBe(false)
  marks.add(mark(row('last'), 200, null))
  expect(marks.full).toBe(true)
  marks.passed(at(100))
  expect(marks.full).toBe(false)
})
