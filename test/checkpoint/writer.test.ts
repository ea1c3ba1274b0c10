import { describe, expect, test } from 'vitest'
import {
  type OwnWrites,
  type Standing,
  standingOf,
  standingSince,
  type WriterStamp,
  Writership,
} from '../../src/checkpoint/writer.ts'

/** The writer `a` of epoch 5 has written up to 20, and has begun the write 21. */
const own: OwnWrites = { epoch: 5, writer: 'a', confirmed: 20, begun: 21 }
const stamp = (changes: Partial<WriterStamp> = {}): WriterStamp => ({
  epoch: 5,
  writer: 'a',
  writes: 20,
  previousWriter: 'z',
  previousWrites: 3,
  ...changes,
})

describe('the standing of a writer', () => {
  const cases: readonly (readonly [string, WriterStamp | null, Standing])[] = [
    ['while the store has its last answered write', stamp(), 'current'],
    ['while the store has a write without an answer', stamp({ writes: 21 }), 'current'],
    ['once the store lacks an answered write', stamp({ writes: 19 }), 'went back'],
    ['once the store is empty', null, 'went back'],
    ['once the store is from before its take-over', stamp({ epoch: 4, writer: 'z', writes: 3 }), 'went back'],
    ['once somebody else has changed the slot', stamp({ epoch: 6 }), 'fenced'],
    [
      'once another has taken over after all of its writes',
      stamp({ epoch: 6, writer: 'b', writes: 30, previousWriter: 'a', previousWrites: 20 }),
      'fenced',
    ],
    [
      'once another has taken over from a store that lacks an answered write, and has written more since',
      stamp({ epoch: 6, writer: 'b', writes: 30, previousWriter: 'a', previousWrites: 19 }),
      'went back',
    ],
    [
      'once another has reached the same epoch and the same number of writes by chance',
      stamp({ writer: 'b', previousWriter: 'z', previousWrites: 3 }),
      'went back',
    ],
    [
      'once another has taken over in the next epoch, from a store without its take-over',
      stamp({ epoch: 6, writer: 'c', writes: 30, previousWriter: 'b', previousWrites: 25 }),
      'went back',
    ],
    [
      'once several have taken over since',
      stamp({ epoch: 9, writer: 'c', writes: 30, previousWriter: 'b', previousWrites: 25 }),
      'fenced',
    ],
  ]
  test.each(cases)('%s', (_, stored, standing) => {
    expect(standingOf(own, stored)).toBe(standing)
  })
})

test('a checkpoint that was loaded is out of date once anybody has written', () => {
  expect(standingSince(stamp(), stamp())).toBe('current')
  for (const changed of [null, stamp({ writes: 21 }), stamp({ epoch: 6 }), stamp({ writer: 'b' })])
    expect(standingSince(stamp(), changed)).toBe('fenced')
})

describe('a process', () => {
  const begun = () => {
    const process = new Writership()
    process.beginTakeOver('a')
    process.tookOver({ epoch: 5, writer: 'a', writes: 20 })
    return process
  }

  test('that has written nothing lacks nothing, whatever the store has', () => {
    for (const stored of [null, stamp()]) expect(new Writership().isLacking(stored)).toBe(false)
  })

  test('knows which of its writes are stored', () => {
    const process = begun()
    const lost = process.beginWrite()
    const answered = process.beginWrite()
    process.wrote(answered)
    expect([lost.begun, answered.begun]).toEqual([21, 22])
    expect(process.isLacking(stamp({ writes: 21 }))).toBe(true)
    expect(process.isLacking(stamp({ writes: 22 }))).toBe(false)
  })

  test('counts a take-over of its own whose answer was lost as its own', () => {
    const process = begun()
    process.beginTakeOver('lost')
    const taken = { epoch: 6, writer: 'lost', writes: 21, previousWriter: 'a' }
    expect(process.standing(stamp({ ...taken, previousWrites: 20 }))).toBe('current')
    expect(process.standing(stamp({ ...taken, previousWrites: 19 }))).toBe('went back')
    expect(process.standing(stamp({ ...taken, writer: 'b', previousWrites: 20 }))).toBe('fenced')
  })

  test('knows whether the store has each of its writes, answered or not', () => {
    const process = begun()
    expect(process.hasEveryWrite(stamp({ writes: 19 }))).toBe(false)
    expect(process.hasEveryWrite(stamp())).toBe(true)
    process.wrote(process.beginWrite())
    process.beginWrite()
    expect(process.hasEveryWrite(stamp({ writes: 21 }))).toBe(false)
    expect(process.hasEveryWrite(stamp({ writes: 22 }))).toBe(true)
    expect(process.hasEveryWrite(stamp({ writer: 'b', writes: 30 }))).toBe(false)
    expect(process.hasEveryWrite(null)).toBe(false)
  })

  test('knows each of its writes in a store that it took over without an answer', () => {
    const process = begun()
    process.beginTakeOver('lost')
    const taken = { epoch: 6, writer: 'lost', writes: 21, previousWriter: 'a' }
    expect(process.hasEveryWrite(stamp({ ...taken, previousWrites: 20 }))).toBe(true)
    expect(process.hasEveryWrite(stamp({ ...taken, previousWrites: 19 }))).toBe(false)
    expect(process.hasEveryWrite(stamp({ ...taken, writer: 'b', previousWrites: 20 }))).toBe(false)
  })

  test('that has written nothing, or has forgotten its writes, knows nothing of the store', () => {
    expect(new Writership().hasEveryWrite(stamp())).toBe(false)
    const process = begun()
    process.forget()
    expect(process.hasEveryWrite(stamp())).toBe(false)
  })

  test('does not count an answer to a write of an earlier take-over', () => {
    const process = begun()
    const earlier = process.beginWrite()
    process.beginTakeOver('again')
    process.tookOver({ epoch: 6, writer: 'again', writes: 21 })
    process.wrote({ ...earlier, begun: 30 })
    const stored = { epoch: 6, writer: 'again', writes: 21, previousWriter: 'a', previousWrites: 20 }
    expect(process.isLacking(stored)).toBe(false)
  })
})
