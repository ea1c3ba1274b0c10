import { describe, expect, test } from 'vitest'
import { assertEntry } from '../../../src/pending/entry/assert-entry.ts'
import {
  Entry,
  type EntryEvent,
  type EntryState,
  entryEvents,
  entryStates,
  places,
  transitions,
} from '../../../src/pending/entry/entry.ts'
import { code, delivered, key, patient, position, upsert, version } from '../rows.ts'

const row = delivered('1', patient('a'))
const streamed = (place: number) => version(upsert('a'), { position: position(place) })

/** Actions that bring an entry to each state. */
const reached: Readonly<Record<EntryState, (entry: Entry) => void>> = {
  idle: () => undefined,
  unplaced: (entry) => entry.arrive(streamed(110)),
  'look up': (entry) => waits(entry, 'look up'),
  read: (entry) => waits(entry, 'read'),
  commit: (entry) => waits(entry, 'commit'),
  'resolve removal': (entry) => waits(entry, 'resolve removal'),
  'end code': (entry) => waits(entry, 'end code'),
  send: (entry) => waits(entry, 'send'),
  'in flight': (entry) => {
    waits(entry, 'send')
    entry.send()
  },
  overtaken: (entry) => {
    waits(entry, 'send')
    entry.send()
    entry.arrive(streamed(120))
  },
}
function waits(entry: Entry, place: (typeof places)[number]): void {
  entry.arrive(streamed(110))
  entry.waitIn(place)
}
function entryIn(state: EntryState): Entry {
  const entry = new Entry(key('1'))
  if (state !== 'look up') entry.load(null)
  entry.know(position(120), row.xid ?? unreachable())
  reached[state](entry)
  return entry
}
const unreachable = (): never => {
  throw new Error('the row has no transaction')
}

const events: Readonly<Record<EntryEvent, (entry: Entry) => unknown>> = {
  arrive: (entry) => entry.arrive(streamed(130)),
  settle: (entry) => entry.settle(),
  send: (entry) => entry.send(),
  land: (entry) => entry.clearInFlight(),
  'put back': (entry) => entry.putBack(),
}

/** Derives the expected state from what waits and what is in flight, not from the transition table. */
function expectedAfter(event: EntryEvent, isWaiting: boolean, isInFlight: boolean, maySend: boolean): string | null {
  switch (event) {
    case 'arrive':
      return isInFlight ? 'overtaken' : 'unplaced'
    case 'settle':
      return isWaiting && !isInFlight ? 'idle' : null
    case 'send':
      return maySend ? 'in flight' : null
    case 'land':
      return isInFlight ? (isWaiting ? 'unplaced' : 'idle') : null
    case 'put back':
      return isInFlight ? 'unplaced' : null
  }
}

describe('the life cycle of an entry', () => {
  const cases = entryStates.flatMap((state) => entryEvents.map((event) => ({ state, event })))

  test.each(cases)('handles $event in state $state', ({ state, event }) => {
    const entry = entryIn(state)
    const { waiting, inFlight } = entry
    expect(entry.state).toBe(state)
    const next = expectedAfter(event, waiting !== null, inFlight !== null, state === 'send' || state === 'end code')
    expect(transitions[state][event]).toBe(next)
    if (next === null) {
      expect(() => events[event](entry)).toThrow(`impossible: ${event} of a row that is ${state}`)
      expect([entry.state, entry.waiting, entry.inFlight]).toEqual([state, waiting, inFlight])
    } else {
      events[event](entry)
      expect(entry.state).toBe(next)
    }
  })

  test.each(entryStates)('follows from what waits and what is in flight: %s', (state) => {
    const { waiting, inFlight } = entryIn(state)
    expect([waiting !== null, inFlight !== null]).toEqual([
      state !== 'idle' && state !== 'in flight',
      state === 'in flight' || state === 'overtaken',
    ])
  })

  test.each(entryStates)('has a place in a queue only while a version waits and none is in flight: %s', (state) => {
    const entry = entryIn(state)
    const mayWait = entry.waiting !== null && entry.inFlight === null
    for (const place of places) {
      if (mayWait) {
        entry.waitIn(place)
        expect(entry.state).toBe(place)
      } else expect(() => entry.waitIn(place)).toThrow(`a row that is ${state} was given a place`)
    }
  })

  test('goes on with the version that was put back, unless a newer one waits', () => {
    const alone = entryIn('in flight')
    const sent = alone.inFlight
    expect([alone.putBack(), alone.waiting, alone.inFlight]).toEqual([true, sent, null])
    const overtaken = entryIn('overtaken')
    const newer = overtaken.waiting
    expect([overtaken.putBack(), overtaken.waiting, overtaken.inFlight]).toEqual([false, newer, null])
  })

  test('keeps how its code is unsubscribed until its version is settled, and what is resolved until a version leaves', () => {
    const entry = entryIn('end code')
    entry.end({ kind: 'ended', code: code('a') })
    entry.resolve(code('a'))
    entry.send()
    expect([entry.removal?.code, entry.resolving]).toEqual(['a', null])
    entry.putBack()
    entry.settle()
    expect(entry.removal).toBeNull()
  })
})

describe('between two events', () => {
  test.each(entryStates.filter((state) => state !== 'unplaced'))(
    'holds every invariant of an entry that is %s',
    (state) => {
      expect(() => assertEntry(entryIn(state))).not.toThrow()
    },
  )

  /** Asserts an entry in a forbidden state: its getters return the wrong values. */
  function assertWith(state: EntryState, wrong: Partial<Record<keyof Entry, unknown>>): () => void {
    const entry = entryIn(state)
    for (const [name, value] of Object.entries(wrong)) Object.defineProperty(entry, name, { value })
    return () => assertEntry(entry)
  }
  const delivery = version(upsert('a'))

  test.each<[string, EntryState, Partial<Record<keyof Entry, unknown>>]>([
    ['in flight by its state', 'in flight', { inFlight: null }],
    ['in flight by its state', 'overtaken', { inFlight: null }],
    ['in flight by its state', 'send', { inFlight: delivery }],
    ['waiting by its state', 'send', { waiting: null }],
    ['waiting by its state', 'idle', { waiting: delivery }],
    ['waiting by its state', 'in flight', { waiting: delivery }],
    ['placed', 'unplaced', {}],
    ['loaded before it is sent or recorded', 'in flight', { stored: undefined }],
    ['loaded before it is sent or recorded', 'idle', { stored: undefined, unrecorded: row }],
    ['loaded first', 'look up', { stored: null }],
    ['loaded first', 'send', { stored: undefined }],
    ['recorded as believed', 'idle', { stored: { ...row }, unrecorded: row }],
    ['ends a code for a version', 'idle', { removal: { kind: 'ended', code: code('a') } }],
    ['in the order of the stream', 'overtaken', { inFlight: streamed(121) }],
    ['known by the stream', 'send', { known: null }],
    ['known by the stream', 'send', { known: { position: position(109), xid: row.xid } }],
  ])('detects a broken invariant, %s, in state %s', (invariant, state, wrong) => {
    expect(assertWith(state, wrong)).toThrow(`entry ["1"], ${state}: ${invariant}`)
  })
})
