import { expect, test } from 'vitest'
import type { Lane } from '../../src/model/lane.ts'
import { Queues } from '../../src/pending/queues.ts'
import { type Content, type Entry, newEntry } from '../../src/pending/version.ts'
import { code, key, position, removed, upsert } from './rows.ts'

function entry(name: string, content: Content, at: number | null, lane: Lane = 'live'): Entry {
  const place = { position: at === null ? null : position(at), xid: null }
  return {
    ...newEntry(key(name)),
    stored: null,
    waiting: {
      content,
      origin: 'stream',
      lane,
      committedAtMs: 0,
      bytes: 1,
      debt: null,
      claim: null,
      read: null,
      ...place,
    },
  }
}

test('an entry that stays keeps its turn, and stands in one place', () => {
  const queues = new Queues()
  const [one, two] = [entry('1', upsert('a'), 1), entry('2', upsert('b'), 2)]
  queues.place(one, 'send')
  queues.place(two, 'send')
  queues.place(one, 'send')
  expect(queues.first('send', 2)).toEqual([one, two])
  queues.place(one, 'read')
  expect([queues.first('send', 2), queues.first('read', 2), queues.counts.live]).toEqual([[two], [one], 2])
  queues.place(one, null)
  expect([queues.first('read', 2), queues.counts.live]).toEqual([[], 1])
})

test('live stands before backfill', () => {
  const queues = new Queues()
  const [slow, fast] = [entry('1', upsert('a'), 1, 'backfill'), entry('2', upsert('b'), 2)]
  queues.place(slow, 'send')
  queues.place(fast, 'send')
  expect(queues.first('send', 2)).toEqual([fast, slow])
  expect(queues.counts).toEqual({ live: 1, backfill: 1 })
})

test('a code is claimed by another row that has it now, or that will end it later', () => {
  const queues = new Queues()
  const [ends, later] = [entry('1', removed('a'), 5), entry('2', removed('a'), 9)]
  queues.place(ends, 'send')
  queues.place(later, 'send')
  expect([queues.isClaimed(code('a'), ends), queues.isClaimed(code('a'), later)]).toEqual([true, false])
  queues.place(later, null)
  later.waiting = null
  queues.place(later, null)
  expect(queues.isClaimed(code('a'), ends)).toBe(false)
  queues.place(entry('3', upsert('a'), 1), 'read')
  expect(queues.isClaimed(code('a'), ends)).toBe(true)
})

test('the earlier row with a code leaves first, wherever it waits', () => {
  const queues = new Queues()
  const [early, late] = [entry('1', upsert('a'), 5), entry('2', upsert('a'), 9)]
  queues.place(late, 'send')
  queues.place(early, 'look up')
  expect([queues.hasEarlier(code('a'), late), queues.hasEarlier(code('a'), early)]).toEqual([true, false])
})
