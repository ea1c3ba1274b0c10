import { describe, expect, test } from 'vitest'
import type { DeadLetter, StoredRow } from '../../../src/model/progress/stored-row.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import type { EntryView } from '../../../src/pending/entry/entry.ts'
import { acceptedCodesOf } from '../../../src/pending/entry/record-codes.ts'
import {
  afterAcceptance,
  afterRefusal,
  afterUnsubscription,
  cannotBeUnsubscribed,
  intendedRow,
  isSameRow,
  owedRow,
  unsentRow,
  withFormerCode,
  withRefusedCode,
} from '../../../src/pending/entry/settled-row.ts'
import type { Content, Purpose } from '../../../src/pending/entry/version.ts'
import { code, delivered, entryView, fingerprint, key, patient, position, removed, upsert, version } from '../rows.ts'

const letter: DeadLetter = { reason: 'refused by the API', attributes: [], status: 422 }
const invalid = (of: string | null): Content => ({ kind: 'invalid', code: of === null ? null : code(of), invalid: [] })

const label = (place: number | null) =>
  place === null ? { position: null, xid: null } : { position: position(place), xid: xid(BigInt(place)) }
const labelled = (content: Content, place: number | null = 50) => version(content, label(place))
const entry = (stored: StoredRow | null, changes: Partial<EntryView> = {}) =>
  entryView('1', { stored, acceptedCodes: acceptedCodesOf(stored), ...changes })
const delivery = (of: string, purpose: Purpose, sent = labelled(upsert(of))) => ({
  key: key('1'),
  code: code(of),
  patient: patient(of),
  purpose,
  version: sent,
})
const known = delivered('1', patient('a'))

describe('a row whose row record is unchanged', () => {
  test('is not stored again, though the object differs', () => {
    expect(isSameRow(known, { ...known, position: position(1) })).toBe(true)
    expect(isSameRow({ ...known, position: null }, { ...known, position: null })).toBe(true)
  })

  test.each<[string, Partial<StoredRow>]>([
    ['code', { code: code('b') }],
    ['fingerprint', { fingerprint: null }],
    ['end', { removed: true }],
    ['transaction', { xid: xid(2n) }],
    ['place in the stream', { position: position(2) }],
    ['place in its transaction', { position: position(1, 2) }],
    ['unknown place', { position: null }],
    ['unknown place and transaction', { position: null, xid: null }],
    ['dead letter', { deadLetter: letter }],
  ])('is stored again with another %s, in either direction', (_, change) => {
    expect(isSameRow(known, { ...known, ...change })).toBe(false)
    expect(isSameRow({ ...known, ...change }, known)).toBe(false)
  })

  test('is stored if the store has no row record, or the row record is not known', () => {
    expect([isSameRow(known, null), isSameRow(known, undefined)]).toEqual([false, false])
  })
})

/** Reports that no lost request can be applied any more. */
const isOver = () => true

describe('the note before a request leaves', () => {
  test('contains the code that is sent, for a row without a row record', () => {
    expect(intendedRow(entry(null), code('a'), 'upsert')).toEqual({
      ...{ key: key('1'), code: 'a', fingerprint: null, removed: false, position: null, xid: null, deadLetter: null },
      ...{ formerCodes: [], unacceptedCodes: ['a'], owed: null },
    })
  })

  test('says that the delivered patient is unknown; there is no note if the row record says so already', () => {
    const { position: place, xid: id } = known
    expect(intendedRow(entry(known), code('a'), 'upsert')).toEqual({ ...known, fingerprint: null })
    expect(intendedRow(entry({ ...known, fingerprint: null }), code('a'), 'upsert')).toBeNull()
    expect(intendedRow(entry({ ...known, fingerprint: null, removed: true }), code('a'), 'upsert')).toMatchObject({
      removed: false,
      position: place,
      xid: id,
    })
  })

  test('names the code to unsubscribe, unless mediQuo still has another code of the row', () => {
    const codeIn = (stored: StoredRow, purpose: Purpose) => intendedRow(entry(stored), code('b'), purpose)?.code
    expect(codeIn(known, 'unsubscribe code')).toBe('a')
    expect(codeIn(known, 'remove')).toBe('b')
    expect(codeIn(known, 'upsert')).toBe('b')
    expect(codeIn({ ...known, removed: true }, 'unsubscribe code')).toBe('b')
    expect(codeIn({ ...known, code: null }, 'unsubscribe code')).toBe('b')
  })

  test('names a code to unsubscribe that only memory knows, in addition to the code that mediQuo has of the row', () => {
    const unknown = { ...known, fingerprint: null }
    const intended = intendedRow(entry(unknown), code('b'), 'unsubscribe code')
    expect(intended).toMatchObject({ code: 'a', formerCodes: ['b'] })
    expect(intendedRow(entry({ ...unknown, formerCodes: [code('b')] }), code('b'), 'unsubscribe code')).toBeNull()
  })

  test('keeps a dead letter: unchanged if it is stored, with its content if it is not stored yet', () => {
    const set = { ...known, deadLetter: letter }
    expect(intendedRow(entry(set), code('a'), 'upsert')?.deadLetter).toBe('kept')
    expect(intendedRow(entry(set, { unrecorded: set }), code('a'), 'upsert')?.deadLetter).toBe(letter)
    expect(intendedRow(entry(known, { unrecorded: known }), code('a'), 'upsert')?.deadLetter).toBeNull()
  })

  test.each([
    ['content', 'confirm'],
    ['end', 'confirm end'],
  ] as const)(
    'keeps the row owed, with the request: a crash before the answer must not lose either (%s)',
    (reason, after) => {
      const owed = { reason, nextCode: code('b'), delayMs: 0 }
      expect(intendedRow(entry({ ...known, owed }), code('a'), 'upsert')?.owed).toEqual({ ...owed, reason: after })
    },
  )
})

describe('codes of which mediQuo has accepted nothing', () => {
  const letter: DeadLetter = { reason: 'refused by the API', attributes: [], status: 422 }

  test('a code that is about to be sent for the first time is one of them until its request is accepted', () => {
    expect(intendedRow(entry(null), code('a'), 'upsert')?.unacceptedCodes).toEqual(['a'])
    expect(intendedRow(entry(known), code('a'), 'upsert')?.unacceptedCodes).toEqual([])
  })

  test('the code of a row that was refused the first time is one of them', () => {
    expect(afterRefusal(entry(null), delivery('a', 'upsert'), letter).unacceptedCodes).toEqual(['a'])
    expect(afterRefusal(entry(known), delivery('a', 'upsert'), letter).unacceptedCodes).toEqual([])
  })

  test('the next code of an owed row, and a code that only a deleted row told, are', () => {
    const moved = owedRow(entry(known), labelled(upsert('b')), { reason: 'end', delayMs: 0 })
    expect(moved).toMatchObject({ code: 'a', owed: { nextCode: 'b' }, unacceptedCodes: ['b'] })
    const told = owedRow(entry(null), labelled(removed('a')), { reason: 'end', delayMs: 0 })
    expect(told).toMatchObject({ formerCodes: ['a'], unacceptedCodes: ['a'] })
  })
})

describe('the time for which a patient was looked for in vain', () => {
  const owed = { reason: 'end', nextCode: null, delayMs: 0, soughtForMs: 5_000 } as const
  const sought = (soughtForMs?: number | null) =>
    owedRow(entry({ ...known, owed }), labelled(removed('a')), { reason: 'end', delayMs: 0, soughtForMs }).owed

  test('stays with the row until another time is told', () => {
    expect(sought()).toMatchObject({ soughtForMs: 5_000 })
    expect(sought(9_000)).toMatchObject({ soughtForMs: 9_000 })
    expect(sought(null)).not.toHaveProperty('soughtForMs')
  })

  test('stays with a dead letter of one code: the others were awaited for as long', () => {
    const row = { ...known, owed }
    expect(withRefusedCode(entry(row), code('b'), cannotBeUnsubscribed).owed).toMatchObject({ soughtForMs: 5_000 })
  })

  test('is forgotten for a row that waits for something else', () => {
    const row = { ...known, owed }
    const content = owedRow(entry(row), labelled(upsert('a')), { reason: 'content', delayMs: 0 })
    expect(content.owed).not.toHaveProperty('soughtForMs')
  })
})

test('a deleted row whose patient mediQuo does not show is a dead letter, and keeps its code', () => {
  const waiting = labelled(removed('a'))
  const given = entry(known, { waiting, removal: { kind: 'unknown', code: code('a') } })
  expect(unsentRow(given, 'dead letter', isOver)).toMatchObject({
    ...{ code: 'a', removed: false, fingerprint: null, unacceptedCodes: [] },
    deadLetter: { reason: 'cannot be unsubscribed', attributes: [], status: null },
  })
})

describe('after the API has accepted', () => {
  test('a patient, the row record has its fingerprint, unless the patient is still to be read back', () => {
    const sent = delivery('a', 'upsert')
    const accepted = entry(null, { acceptedCodes: [code('a')] })
    expect(afterAcceptance(accepted, sent, fingerprint)).toEqual({
      ...{ key: key('1'), code: 'a', fingerprint: fingerprint(patient('a')), removed: false, deadLetter: null },
      ...{ position: position(50), xid: xid(50n), formerCodes: [], unacceptedCodes: [], owed: null },
    })
    expect(afterAcceptance(entry(null), sent, null)).toMatchObject({ fingerprint: null, removed: false })
  })

  test('a removal, the row record has no fingerprint', () => {
    const sent = delivery('a', 'remove')
    expect(afterAcceptance(entry(known), sent, fingerprint)).toMatchObject({ fingerprint: null, removed: true })
  })

  test('an unsubscribed code, the row record no longer names it, and the label of the row stays', () => {
    const { position: place, xid: id } = known
    expect(afterUnsubscription(entry(known), code('b'), false)).toBeNull()
    expect(afterUnsubscription(entry(null), code('a'), false)).toBeNull()
    expect(afterUnsubscription(entry(known), code('a'), false)).toEqual({
      ...{ key: key('1'), code: 'a', fingerprint: null, removed: true, position: place, xid: id, deadLetter: null },
      ...{ formerCodes: [], unacceptedCodes: [], owed: null },
    })
    const owed = { reason: 'content', nextCode: code('b'), delayMs: 0 } as const
    expect(afterUnsubscription(entry({ ...known, owed }), code('b'), true)).toMatchObject({
      ...{ code: 'a', removed: false, owed: { reason: 'content', nextCode: null } },
    })
    expect(afterUnsubscription(entry({ ...known, owed }), code('a'), true)).toMatchObject({ code: null, owed })
    // Another row has the code from now on, so this row no longer lists it.
    expect(afterUnsubscription(entry(known), code('a'), true)).toMatchObject({ code: null, removed: true })
  })
})

describe('a code that a row leaves to another row', () => {
  test('is added to the former codes, and the rest of the row record is unchanged', () => {
    const left = { ...known, formerCodes: ['b'], unacceptedCodes: ['b'] }
    expect(withFormerCode(entry(known), code('b'))).toEqual(left)
    const given = entry(known, { acceptedCodes: [code('a'), code('b')] })
    expect(withFormerCode(given, code('b'))).toEqual({ ...left, unacceptedCodes: [] })
    expect(withFormerCode(entry(null, { acceptedCodes: [code('b')] }), code('b'))).toEqual({
      ...{ key: key('1'), code: null, fingerprint: null, removed: false, position: null, xid: null, deadLetter: null },
      ...{ formerCodes: ['b'], unacceptedCodes: [], owed: null },
    })
    expect(withFormerCode(entry({ ...known, deadLetter: letter }), code('b'))?.deadLetter).toBe('kept')
    expect(withFormerCode(entry({ ...known, removed: true }), code('a'))?.formerCodes).toEqual(['a'])
  })

  test('is added once, and never to a row that is not loaded', () => {
    expect(withFormerCode(entry(known), code('a'))).toBeNull()
    expect(withFormerCode(entry({ ...known, formerCodes: [code('b')] }), code('b'))).toBeNull()
    expect(withFormerCode(entryView('1'), code('b'))).toBeNull()
  })
})

describe('a rejected row', () => {
  const reject = (stored: StoredRow | null, of: string) =>
    afterRefusal(entry(stored), delivery(of, 'upsert', labelled(upsert(of))), letter)

  test('keeps the code that mediQuo has of it, without a fingerprint', () => {
    expect(reject(known, 'b')).toMatchObject({ code: 'a', fingerprint: null, removed: false, deadLetter: letter })
    expect(reject({ ...known, code: null }, 'b')).toMatchObject({ code: 'b', removed: false })
    expect(reject(null, 'b')).toMatchObject({ code: 'b', removed: false })
  })

  test('gets its new code once the old one is unsubscribed: mediQuo may have a patient of the new one', () => {
    expect(reject({ ...known, removed: true }, 'b')).toMatchObject({ code: 'b', removed: false })
  })

  test('stays removed if it has no code now', () => {
    const stored = { ...known, removed: true }
    const row = unsentRow(entry(stored, { waiting: labelled(invalid(null)) }), 'dead letter', isOver)
    expect(row).toMatchObject({ code: 'a', removed: true, deadLetter: { reason: 'invalid', status: null } })
  })

  test('has no code if none is known', () => {
    const row = unsentRow(entry(null, { waiting: labelled(invalid(null)) }), 'dead letter', isOver)
    expect(row).toMatchObject({ code: null, removed: false })
  })
})

describe('a version that is settled without a request', () => {
  const settled = (stored: StoredRow | null, content: Content, outcome: Parameters<typeof unsentRow>[1]) =>
    unsentRow(entry(stored, { waiting: labelled(content) }), outcome, isOver)

  test('changes nothing if no version waits', () => {
    expect(unsentRow(entry(known), 'unchanged', isOver)).toBeNull()
  })

  test('keeps the fingerprint of an unchanged patient', () => {
    expect(settled(known, upsert('a'), 'unchanged')).toEqual({ ...known, position: position(50), xid: xid(50n) })
  })

  test('has no fingerprint if the row is gone, and keeps the code that mediQuo has of it', () => {
    const gone = { code: 'a', fingerprint: null, removed: true, deadLetter: null }
    expect(settled(known, removed('b'), 'ignored')).toMatchObject(gone)
    expect(settled({ ...known, removed: true }, removed(), 'unchanged')).toMatchObject(gone)
    expect(settled(null, removed('a'), 'ignored')).toMatchObject(gone)
  })

  test('keeps a removal in doubt until no lost request can be applied any more', () => {
    const owed = { reason: 'confirm', nextCode: null, delayMs: 60_000 } as const
    const gone = entry({ ...known, removed: true, owed }, { waiting: labelled(removed()), unanswered: true })
    expect(unsentRow(gone, 'unchanged', () => false)).toMatchObject({ removed: true, owed })
    expect(unsentRow(gone, 'nothing to remove', () => true)).toMatchObject({ removed: true, owed: null })
  })

  test('drops a code that another row has', () => {
    const left = { kind: 'left', code: code('a') } as const
    const ended = { kind: 'ended', code: code('a') } as const
    const waiting = labelled(removed())
    expect(unsentRow(entry(known, { waiting, removal: left }), 'nothing to remove', isOver)).toMatchObject({
      ...{ code: null, fingerprint: null, removed: true, deadLetter: null },
    })
    expect(unsentRow(entry(known, { waiting, removal: ended }), 'nothing to remove', isOver)).toMatchObject({
      code: 'a',
    })
  })
})

describe('the label of a settled version', () => {
  const newest = (stored: StoredRow | null, at: number | null) => {
    const sent = delivery('a', 'upsert', labelled(upsert('a'), at))
    return afterAcceptance(entry(stored), sent, fingerprint)
  }

  test.each([
    ['the version’s', { ...known, position: position(40), xid: xid(40n) }, 50, 50],
    ['the state’s, if it is newer', { ...known, position: position(60), xid: xid(60n) }, 50, 60],
    ['the state’s, if the version has none', { ...known, position: position(60), xid: xid(60n) }, null, 60],
    ['the version’s, if the state has none', { ...known, position: null, xid: null }, 50, 50],
    ['the version’s, if the state does not know the row', null, 50, 50],
  ])('is the newest streamed change that it contains: %s', (_, stored, at, wanted) => {
    expect(newest(stored, at)).toMatchObject({ position: position(wanted), xid: xid(BigInt(wanted)) })
  })

  test('is null if no change is known', () => {
    expect(newest(null, null)).toMatchObject({ position: null, xid: null })
  })
})
