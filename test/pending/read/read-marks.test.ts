import { expect, test } from 'vitest'
import { Entry } from '../../../src/pending/entry/entry.ts'
import { ReadMarks } from '../../../src/pending/read/read-marks.ts'
import { at, key } from '../rows.ts'

const row = (name: string) => new Entry(key(name))
const mark = (entry: Entry, end: number) => ({ entry, endLsn: at(end) })

test('marks the rows of a read until the stream has received everything before the end of the read', () => {
  const marks = new ReadMarks(10)
  const [one, two, three] = [row('1'), row('2'), row('3')]
  for (const added of [mark(one, 100), mark(two, 100), mark(three, 200)]) marks.add(added)
  expect([marks.size, marks.passed(at(99))]).toEqual([3, []])
  expect([marks.passed(at(100)), marks.size]).toEqual([[one, two], 1])
  expect(marks.passed(at(150))).toEqual([])
  expect([marks.passed(at(200)), marks.size]).toEqual([[three], 0])
  expect(marks.passed(at(300))).toEqual([])
})

test('keeps the mark of the later read on a row that two reads returned after the stream has passed the earlier one', () => {
  const marks = new ReadMarks(10)
  const one = row('1')
  marks.add(mark(one, 100))
  marks.add(mark(one, 200))
  expect([marks.passed(at(100)), marks.size]).toEqual([[one], 1])
})

test('removes the oldest marks beyond the bound, a tenth at a time, down to the bound', () => {
  const marks = new ReadMarks(20)
  const added = Array.from({ length: 23 }, (_, index) => mark(row(`${index}`), 100 + index))
  expect(added.slice(0, 22).flatMap((one) => marks.add(one))).toEqual([])
  expect(added.slice(22).flatMap((one) => marks.add(one))).toEqual(added.slice(0, 3))
  expect(marks.size).toBe(20)
})

test('holds two marks at most with a bound of one', () => {
  const marks = new ReadMarks(1)
  const [one, two, three] = [mark(row('1'), 100), mark(row('2'), 101), mark(row('3'), 102)]
  expect([marks.add(one), marks.add(two), marks.add(three), marks.size]).toEqual([[], [], [one, two], 1])
})
