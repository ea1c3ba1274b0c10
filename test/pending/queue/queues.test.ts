import { describe, expect, test } from 'vitest'
import type { PatientCode } from '../../../src/model/patient/patient.ts'
import type { Lane } from '../../../src/model/progress/lane.ts'
import type { StoredRow } from '../../../src/model/progress/stored-row.ts'
import { Entry } from '../../../src/pending/entry/entry.ts'
import type { Content, Delivery, Purpose, Version } from '../../../src/pending/entry/version.ts'
import { Queues } from '../../../src/pending/queue/queues.ts'
import { at, code, delivered, entryOf, key, patient, position, removed, seesBelow, upsert, version } from '../rows.ts'

/** Properties of an entry in addition to its waiting version. */
interface Changes {
  readonly lane?: Lane
  readonly stored?: StoredRow | null
  readonly formerCodes?: readonly PatientCode[]
}

function entry(name: string, content: Content, at: number | null, { lane, stored = null, formerCodes }: Changes = {}) {
  const label = { position: at === null ? null : position(at) }
  const one = entryOf(name, stored, version(content, { ...label, ...(lane ? { lane } : {}) }))
  for (const former of formerCodes ?? []) one.remember(former)
  return one
}
/** Sends the waiting version. */
function send(one: Entry): Version {
  one.waitIn('send')
  return one.send()
}

test('an entry that is placed again keeps its turn, and is in one place', () => {
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

describe('an entry that was ready to be sent and waits for the end of its transaction', () => {
  const setUp = () => {
    const queues = new Queues()
    const [one, two] = [entry('1', upsert('a'), 1), entry('2', upsert('b'), 2)]
    for (const each of [one, two]) queues.place(each, 'send')
    queues.place(one, 'commit')
    return { queues, one, two }
  }

  test('keeps its turn, and cannot be sent', () => {
    const { queues, one, two } = setUp()
    expect([queues.sendable('live'), queues.first('commit', 2), queues.counts.live]).toEqual([1, [one], 2])
    queues.place(one, 'commit')
    queues.place(one, 'send')
    expect([queues.sendable('live'), queues.first('commit', 2), queues.first('send', 2)]).toEqual([2, [], [one, two]])
  })

  test.each(['read', 'end code', null] as const)('loses its turn if it moves to another place: %s', (place) => {
    const { queues, one, two } = setUp()
    if (place === null) one.settle()
    queues.place(one, place)
    expect(queues.first('send', 2)).toEqual([two])
    expect(queues.sendable('live')).toBe(place === 'end code' ? 2 : 1)
  })

  test('has no turn yet if it was a backfill entry: it is live now', () => {
    const queues = new Queues()
    const slow = entry('1', upsert('a'), 1, { lane: 'backfill' })
    queues.place(slow, 'send')
    slow.arrive(version(upsert('a'), { position: position(2) }))
    queues.place(slow, 'commit')
    expect([queues.first('send', 1), queues.sendable('backfill')]).toEqual([[], 0])
  })
})

test('sends live entries before backfill entries', () => {
  const queues = new Queues()
  const [slow, fast] = [entry('1', upsert('a'), 1, { lane: 'backfill' }), entry('2', upsert('b'), 2)]
  queues.place(slow, 'send')
  queues.place(fast, 'send')
  expect(queues.first('send', 2)).toEqual([fast, slow])
  expect(queues.counts).toEqual({ live: 1, backfill: 1 })
})

test('a code belongs to another row that has it now, or that will unsubscribe it later', () => {
  const queues = new Queues()
  const [ends, later] = [entry('1', removed('a'), 5), entry('2', removed('a'), 9)]
  queues.place(ends, 'send')
  queues.place(later, 'send')
  expect([queues.isCodeOwnedByOther(code('a'), ends), queues.isCodeOwnedByOther(code('a'), later)]).toEqual([
    true,
    false,
  ])
  later.settle()
  queues.place(later, null)
  expect(queues.isCodeOwnedByOther(code('a'), ends)).toBe(false)
  queues.place(entry('3', upsert('a'), 1), 'read')
  expect(queues.isCodeOwnedByOther(code('a'), ends)).toBe(true)
})

test('the earlier row with a code leaves first, in whichever place it waits', () => {
  const queues = new Queues()
  const [early, late] = [entry('1', upsert('a'), 5), entry('2', upsert('a'), 9)]
  queues.place(late, 'send')
  queues.place(early, 'look up')
  expect([queues.hasEarlier(code('a'), late), queues.hasEarlier(code('a'), early)]).toEqual([true, false])
})

const a = code('a')

test('names no more entries of either lane than asked for', () => {
  const queues = new Queues()
  const all = [entry('1', upsert('a'), 1), entry('2', upsert('b'), 2), entry('3', upsert('c'), 3, { lane: 'backfill' })]
  for (const one of all) queues.place(one, 'send')
  expect(queues.first('send', 0)).toEqual([])
  expect(queues.first('send', 1)).toEqual(all.slice(0, 1))
  expect(queues.first('send', 2)).toEqual(all.slice(0, 2))
  expect(queues.first('send', 9)).toEqual(all)
})

/** Creates a row that waits with the version of a read. */
function readBy(name: string, number: number, place: number | null): Entry {
  const read = { number, snapshot: seesBelow(1), endLsn: at(1) }
  const label = { position: place === null ? null : position(place) }
  return entryOf(name, null, version(upsert('a'), { origin: 'read', read, ...label }))
}

describe('of two rows with one code', () => {
  const isEarlier = (other: Entry, than: Entry) => {
    const queues = new Queues()
    queues.place(other, 'send')
    queues.place(than, 'send')
    return queues.hasEarlier(a, than)
  }
  const streamed = (name: string, place: number | null) => entry(name, upsert('a'), place)
  const read = (name: string, number: number, place: number | null = null) => readBy(name, number, place)

  test('the row that was streamed first is earlier, and a row that a read brought is later than any streamed one', () => {
    expect(isEarlier(streamed('1', 5), streamed('2', 9))).toBe(true)
    expect(isEarlier(streamed('1', 9), streamed('2', 5))).toBe(false)
    expect(isEarlier(streamed('1', 9), read('2', 1, 5))).toBe(true)
    expect(isEarlier(read('1', 1, 5), streamed('2', 9))).toBe(false)
  })

  test('the old row of a change of the key is earlier: both belong to one change', () => {
    expect(isEarlier(entry('1', removed('a'), 5), streamed('2', 5))).toBe(true)
    expect(isEarlier(streamed('2', 5), entry('1', removed('a'), 5))).toBe(false)
    // The transform leaves the new row out: neither row waits for the other.
    expect(isEarlier(entry('1', removed('a'), 5), entry('2', removed('a'), 5))).toBe(false)
  })

  test('the row of the earlier read is earlier, whatever their labels are', () => {
    expect(isEarlier(read('1', 1, 9), read('2', 2, 5))).toBe(true)
    expect(isEarlier(read('1', 2, 5), read('2', 1, 9))).toBe(false)
  })

  test('of the same read, the row whose change was streamed first is earlier if both were streamed; otherwise neither waits', () => {
    expect(isEarlier(read('1', 1, 5), read('2', 1, 9))).toBe(true)
    expect(isEarlier(read('1', 1, 9), read('2', 1, 5))).toBe(false)
    expect(isEarlier(read('1', 1), read('2', 1, 9))).toBe(false)
    expect(isEarlier(read('1', 1, 5), read('2', 1))).toBe(false)
    expect(isEarlier(read('1', 1), read('2', 1))).toBe(false)
  })

  test('a row is not earlier than itself, than a row of another code, or than an empty entry', () => {
    const one = streamed('1', 5)
    expect(isEarlier(one, one)).toBe(false)
    expect(isEarlier(entry('1', upsert('b'), 5), streamed('2', 9))).toBe(false)
    const queues = new Queues()
    queues.place(one, 'send')
    expect(queues.hasEarlier(a, new Entry(key('2')))).toBe(false)
  })
})

describe('a code belongs to another row', () => {
  const deliveryOf = (of: Entry, purpose: Purpose): Delivery => ({
    ...{ key: of.key, code: a, patient: patient('a'), purpose },
    version: of.waiting ?? unreachable(),
  })
  const unreachable = (): Version => {
    throw new Error('nothing waits')
  }

  test('if a patient of that row is in flight with it, until the answer', () => {
    const queues = new Queues()
    const [mine, other] = [entry('1', removed('a'), 5), entry('2', upsert('a'), 3)]
    const isOwnedByOther = (purpose: Purpose, of: Entry) => {
      const delivery = deliveryOf(of, purpose)
      queues.markInFlight(delivery)
      const isOwned = [queues.isCodeOwnedByOther(a, mine), queues.isInFlight(a), queues.inFlight]
      queues.clearInFlight(delivery)
      return isOwned
    }
    expect(isOwnedByOther('upsert', other)).toEqual([true, true, 1])
    expect(isOwnedByOther('remove', other)).toEqual([false, true, 1])
    expect(isOwnedByOther('upsert', mine)).toEqual([false, true, 1])
    expect([queues.isCodeOwnedByOther(a, mine), queues.isInFlight(a), queues.inFlight]).toEqual([false, false, 0])
  })

  test('if a patient of that row waits with it, anywhere in the stream, or if a later version names it', () => {
    const isOwnedByOther = (other: Entry) => {
      const queues = new Queues()
      const mine = entry('1', removed('a'), 5)
      queues.place(mine, 'resolve removal')
      queues.place(other, 'send')
      return queues.isCodeOwnedByOther(a, mine)
    }
    expect(isOwnedByOther(entry('2', upsert('a'), 3))).toBe(true)
    expect(isOwnedByOther(entry('2', removed('a'), 3))).toBe(false)
    expect(isOwnedByOther(entry('2', removed('a'), 5))).toBe(false)
    expect(isOwnedByOther(entry('2', removed('a'), 9))).toBe(true)
    expect(isOwnedByOther(entry('2', removed('a'), null))).toBe(false)
    // The row had the code, and has another one now.
    expect(isOwnedByOther(entry('2', upsert('b'), 3, { formerCodes: [a] }))).toBe(false)
    expect(isOwnedByOther(entry('2', upsert('b'), 9, { formerCodes: [a] }))).toBe(true)
  })

  test('but not to a row that is rejected and keeps another delivered code', () => {
    const isOwnedByOther = (stored: StoredRow | null, content: Content = { kind: 'invalid', code: a, invalid: [] }) => {
      const queues = new Queues()
      const mine = entry('1', removed('a'), 5)
      queues.place(mine, 'resolve removal')
      queues.place(entry('2', content, 9, { stored, formerCodes: [a] }), 'send')
      return queues.isCodeOwnedByOther(a, mine)
    }
    const kept = delivered('2', patient('b'))
    expect(isOwnedByOther(kept)).toBe(false)
    expect(isOwnedByOther(delivered('2', patient('a')))).toBe(true)
    expect(isOwnedByOther({ ...kept, removed: true })).toBe(true)
    expect(isOwnedByOther({ ...kept, code: null })).toBe(true)
    expect(isOwnedByOther(null)).toBe(true)
    expect(isOwnedByOther(kept, { kind: 'invalid', code: code('c'), invalid: [] })).toBe(true)
    expect(isOwnedByOther(kept, upsert('c'))).toBe(true)
  })
})

describe('the rows that share a code', () => {
  test('are those that have it, had it, or have it in their row record, while a version waits or is in flight', () => {
    const queues = new Queues()
    const mine = entry('1', upsert('a'), 1)
    const had = entry('2', upsert('b'), 2, { formerCodes: [a] })
    const held = entry('3', upsert('b'), 3, { stored: delivered('3', patient('a')) })
    const ended = entry('4', upsert('b'), 4, { stored: delivered('4', patient('a'), { removed: true }) })
    for (const one of [mine, had, held, ended]) queues.place(one, 'send')
    expect(queues.sharing(a, mine)).toEqual([had, held])
    expect(queues.sharing(code('b'), mine)).toEqual([had, held, ended])
    expect(queues.sharing(code('c'), mine)).toEqual([])

    send(had)
    queues.place(had, null)
    expect(new Set(queues.sharing(a, mine))).toEqual(new Set([held, had]))
    had.clearInFlight()
    queues.place(had, null)
    held.settle()
    queues.place(held, null)
    expect([queues.sharing(a, mine), queues.counts]).toEqual([[], { live: 2, backfill: 0 }])
  })

  test('are found by the codes that they have now, without losing their turn', () => {
    const queues = new Queues()
    const [mine, other] = [entry('1', upsert('a'), 1), entry('2', upsert('b'), 2)]
    queues.place(other, 'send')
    queues.place(mine, 'send')
    for (const codes of [['a'], ['a', 'c'], ['c'], ['d'], []]) {
      other.forgetCodes()
      for (const one of codes) other.remember(code(one))
      queues.place(other, 'send')
      for (const one of ['a', 'c', 'd'])
        expect(queues.sharing(code(one), mine)).toEqual(codes.includes(one) ? [other] : [])
    }
    expect([queues.first('send', 2), queues.counts.live]).toEqual([[other, mine], 2])
  })

  test('leave the owner of the code undecided until the row record of each is loaded', () => {
    const queues = new Queues()
    const [mine, other] = [new Entry(key('1')), new Entry(key('2'))]
    mine.arrive(version(removed('a')))
    other.arrive(version(upsert('a')))
    queues.place(mine, 'look up')
    queues.place(other, 'look up')
    expect(queues.isUndecided(a, mine)).toBe(true)
    other.load(null)
    expect(queues.isUndecided(a, mine)).toBe(false)
  })
})
