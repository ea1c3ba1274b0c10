import { describe, expect, test } from 'vitest'
import { BackfillLedger } from '../../src/backfill/backfill-ledger.ts'
import { Progress } from '../../src/checkpoint/progress.ts'
import type { StoredRow } from '../../src/model/progress/stored-row.ts'
import { xid } from '../../src/model/source/visibility.ts'
import { Entries } from '../../src/pending/entries.ts'
import type { Entry } from '../../src/pending/entry/entry.ts'
import type { Content, Delivery, Version } from '../../src/pending/entry/version.ts'
import { at, code, delivered, incomplete, key, patient, position, removed, seesBelow, upsert, version } from './rows.ts'

function setUp() {
  const debts = new Progress(at(100))
  const backfillDebts = new BackfillLedger()
  backfillDebts.begin({ id: 1, position: null, rowsRead: 0 })
  const entries = new Entries({ debts, backfillDebts, readLsn: null, onOwed: () => undefined, isLost: () => false })
  const entry = entries.open(key('1'))
  entry.load(null)
  return {
    entries,
    entry,
    backfillDebts,
    replace: (content: Content, changes: Partial<Version> = {}) =>
      entries.replace(entry, version(content, { bytes: 10, ...changes })),
    /** Sends the waiting version. */
    send() {
      entry.waitIn('send')
      return entry.send()
    },
    /** Opens a page of one row. */
    page: () => backfillDebts.open({ phase: 'table', after: key('1'), pageSize: 50 }, 1, 1),
  }
}

function deliveryOf(sent: Version): Delivery {
  return { key: key('1'), code: code('a'), patient: patient('a'), purpose: 'upsert', version: sent }
}

describe('the bytes of the versions in memory', () => {
  test('count each version that waits or is in flight once', () => {
    const { entries, replace, send } = setUp()
    replace(upsert('a'), { bytes: 10 })
    replace(upsert('a'), { bytes: 30 })
    expect(entries.bytes).toBe(30)
    send()
    replace(upsert('a'), { bytes: 5 })
    expect(entries.bytes).toBe(35)
  })

  test('are released when a version is settled, or when a newer version replaced it in flight', () => {
    const { entries, entry, replace, send } = setUp()
    replace(upsert('a'), { bytes: 10 })
    const first = send()
    replace(upsert('a'), { bytes: 30 })
    entries.putBack(entry, first)
    expect(entries.bytes).toBe(30)
    const second = send()
    entries.clearInFlight(entry, second, null)
    expect(entries.bytes).toBe(0)
  })

  test('are kept for a version that waits again', () => {
    const { entries, entry, replace, send } = setUp()
    replace(upsert('a'), { bytes: 10 })
    entries.putBack(entry, send())
    expect(entries.bytes).toBe(10)
  })
})

describe('the backfill debt of a row', () => {
  test('is settled with the version that the read brought', () => {
    const { entries, entry, backfillDebts, page, replace, send } = setUp()
    replace(upsert('a'), { backfillDebt: page() })
    expect(backfillDebts.progress?.rowsRead ?? 0).toBe(0)
    entries.clearInFlight(entry, send(), null)
    expect(backfillDebts.progress?.rowsRead).toBe(1)
  })

  test('waits for the waiting version or the one in flight if the read leaves no version behind', () => {
    for (const inFlight of [false, true]) {
      const { entries, entry, backfillDebts, page, replace, send } = setUp()
      replace(upsert('a'))
      if (inFlight) send()
      entries.handOverBackfillDebt(entry, page())
      expect(backfillDebts.progress?.rowsRead ?? 0).toBe(0)
      if (entry.inFlight) entries.clearInFlight(entry, entry.inFlight, null)
      if (entry.waiting) entries.settle(entry, entry.waiting, null)
      expect(backfillDebts.progress?.rowsRead).toBe(1)
    }
  })

  test('is settled immediately if nothing of the row waits or is in flight', () => {
    const { entries, entry, backfillDebts, page } = setUp()
    entries.handOverBackfillDebt(entry, page())
    expect(backfillDebts.progress?.rowsRead).toBe(1)
    entries.handOverBackfillDebt(entry, null)
    expect(backfillDebts.progress?.rowsRead).toBe(1)
  })
})

describe('the check of the counters', () => {
  test('fails on an entry with a wrong state, and on one that is left over', () => {
    const { entries, entry, replace } = setUp()
    expect(() => entries.assert()).toThrow('is done and was not forgotten')
    replace(upsert('a'))
    expect(() => entries.assert()).toThrow('placed')
    entry.know(position(1), xid(1n))
    entry.waitIn('send')
    expect(() => entries.assert()).not.toThrow()
  })

  test('fails on a wrong number of bytes that wait, are in flight or are to be read back', () => {
    for (const bring of [
      (of: Entry) => of.arrive(version(upsert('a'), { bytes: 7 })),
      (of: Entry) => of.watch(deliveryOf(version(upsert('a'), { bytes: 7 }))),
    ]) {
      const { entries, entry } = setUp()
      bring(entry)
      if (entry.waiting) entry.waitIn('send')
      expect(() => entries.assert()).toThrow('0 bytes are counted, 7 are there')
    }
    const { entries, replace, send } = setUp()
    replace(upsert('a'))
    send()
    expect(() => entries.assert()).not.toThrow()
  })
})

describe('codes that a row had in between', () => {
  const codesAfter = (...contents: readonly Content[]) => {
    const { entry, replace } = setUp()
    for (const content of contents) replace(content)
    return entry.formerCodes
  }

  test('are remembered once each, in order, because an earlier request may have brought them to mediQuo', () => {
    expect(codesAfter(upsert('a'), upsert('b'), upsert('c'))).toEqual(['a', 'b'])
    expect(codesAfter(upsert('a'), upsert('b'), upsert('a'), upsert('b'))).toEqual(['a', 'b'])
  })

  test('do not include the code of a version that has the same code, or whose code is not known', () => {
    expect(codesAfter(upsert('a'), upsert('a', 'New'), removed('a'))).toEqual([])
    expect(codesAfter(incomplete(), upsert('a'))).toEqual([])
    expect(codesAfter(upsert('a'), incomplete())).toEqual(['a'])
  })

  test('are kept until nothing of the row waits', () => {
    const { entries, entry, replace, send } = setUp()
    replace(upsert('a'))
    replace(upsert('b'))
    const sent = send()
    replace(upsert('b', 'New'))
    entries.clearInFlight(entry, sent, null)
    expect(entry.formerCodes).toEqual(['a'])
    entries.clearInFlight(entry, send(), null)
    expect(entry.formerCodes).toEqual([])
  })
})

describe('a row in memory', () => {
  test('is discarded once nothing of it waits, is in flight, is read, is read back or is still to be stored', () => {
    const sent = version(upsert('a'))
    const delivery = deliveryOf(sent)
    const row = delivered('1', patient('a'))
    const read = { number: 1, snapshot: seesBelow(1), endLsn: at(1) }
    const leave = (of: Entry) => {
      of.arrive(sent)
      of.waitIn('send')
      of.send()
    }
    /** Reason to keep the row, and the action that ends the reason. */
    const reasons: readonly (readonly [string, (of: Entry) => void, (of: Entry) => void])[] = [
      ['waits', (of) => of.arrive(sent), (of) => of.settle()],
      ['is in flight', leave, (of) => of.clearInFlight()],
      ['is read', (of) => of.mark(read), (of) => of.mark(null)],
      ['is expected', (of) => of.expect(true), (of) => of.expect(false)],
      ['is to be stored', (of) => of.store(row), (of) => of.recorded(row)],
      ['is to be read back', (of) => of.watch(delivery), (of) => of.unwatch(delivery)],
    ]
    for (const [reason, begin, end] of reasons) {
      const { entries, entry } = setUp()
      begin(entry)
      entries.forgetIfDone(entry)
      expect(entries.find(key('1')), reason).toBe(entry)
      end(entry)
      entries.forgetIfDone(entry)
      expect([entries.find(key('1')), entries.all()], reason).toEqual([undefined, []])
    }
  })

  test('stays until its newest settlement is stored, and is discarded then', () => {
    const { entries, entry } = setUp()
    const [older, newer] = [delivered('1', patient('a')), delivered('1', patient('a', 'New'))]
    entries.store(entry, older)
    entries.store(entry, newer)
    entries.recorded([older, delivered('2', patient('b'))], [])
    expect([entries.toRecord(), entries.unrecorded, entries.find(key('1'))]).toEqual([[newer], 1, entry])
    entries.recorded([newer], [])
    expect([entries.toRecord(), entries.unrecorded, entries.find(key('1'))]).toEqual([[], 0, undefined])
  })

  test('is not stored again if the row record is the same already', () => {
    const { entries, entry, replace } = setUp()
    const row = delivered('1', patient('a'))
    entry.load(row)
    const settle = (now: StoredRow) => {
      replace(upsert('a'))
      if (entry.waiting) entries.settle(entry, entry.waiting, now)
    }
    settle({ ...row })
    expect(entries.toRecord()).toEqual([])
    settle({ ...row, fingerprint: null })
    expect(entries.toRecord()).toEqual([{ ...row, fingerprint: null }])
  })
})
