import { describe, expect, test } from 'vitest'
import { PassLedger } from '../../src/backfill/pass-ledger.ts'
import { Progress } from '../../src/checkpoint/progress.ts'
import { Entries } from '../../src/pending/entries.ts'
import type { Content, Version } from '../../src/pending/version.ts'
import { at, code, delivered, key, patient, removed, upsert } from './rows.ts'

function setUp() {
  const debts = new Progress(at(100))
  const claims = new PassLedger()
  claims.begin({ id: 1, position: null, rowsRead: 0 })
  const entries = new Entries({ debts, claims })
  const entry = entries.open(key('1'))
  entry.stored = null
  return {
    entries,
    entry,
    claims,
    /** A page of one row. */
    page: () => claims.open({ phase: 'table', after: key('1'), pageSize: 50 }, 1, 1),
    depart: () => {
      const { waiting } = entry
      if (!waiting) throw new Error('nothing waits')
      entry.inFlight = waiting
      entry.waiting = null
      return waiting
    },
  }
}

function version(content: Content, bytes = 10, claim: Version['claim'] = null): Version {
  return {
    content,
    origin: 'stream',
    lane: 'live',
    committedAtMs: 0,
    bytes,
    read: null,
    position: null,
    xid: null,
    debt: null,
    claim,
  }
}

describe('what the versions occupy', () => {
  test('is that of those that wait or are in flight, each once', () => {
    const { entries, entry, depart } = setUp()
    entries.replace(entry, version(upsert('a'), 10))
    entries.replace(entry, version(upsert('a'), 30))
    expect(entries.bytes).toBe(30)
    depart()
    entries.replace(entry, version(upsert('a'), 5))
    expect(entries.bytes).toBe(35)
  })

  test('is given back by one that is settled, or that a newer one has overtaken on its way', () => {
    const { entries, entry, depart } = setUp()
    entries.replace(entry, version(upsert('a'), 10))
    const first = depart()
    entries.replace(entry, version(upsert('a'), 30))
    entries.putBack(entry, first)
    expect(entries.bytes).toBe(30)
    const second = depart()
    entries.settle(entry, second, null)
    expect(entries.bytes).toBe(0)
  })

  test('is not given back by one that waits again', () => {
    const { entries, entry, depart } = setUp()
    entries.replace(entry, version(upsert('a'), 10))
    entries.putBack(entry, depart())
    expect(entries.bytes).toBe(10)
  })
})

describe('a backfill’s claim on a row', () => {
  test('is done with the version that the read brought', () => {
    const { entries, entry, claims, page, depart } = setUp()
    entries.replace(entry, version(upsert('a'), 10, page()))
    expect(claims.progress?.rowsRead ?? 0).toBe(0)
    entries.settle(entry, depart(), null)
    expect(claims.progress?.rowsRead).toBe(1)
  })

  test('waits for what waits or is on its way, if the read leaves nothing behind', () => {
    for (const inFlight of [false, true]) {
      const { entries, entry, claims, page, depart } = setUp()
      entries.replace(entry, version(upsert('a')))
      const waiting = inFlight ? depart() : entry.waiting
      entries.claim(entry, page())
      expect(claims.progress?.rowsRead ?? 0).toBe(0)
      if (waiting) entries.settle(entry, waiting, null)
      expect(claims.progress?.rowsRead).toBe(1)
    }
  })

  test('is done at once if nothing of the row is on its way', () => {
    const { entries, entry, claims, page } = setUp()
    entries.claim(entry, page())
    expect(claims.progress?.rowsRead).toBe(1)
    entries.claim(entry, null)
    expect(claims.progress?.rowsRead).toBe(1)
  })
})

describe('codes that a row had in between', () => {
  const codesAfter = (...contents: readonly Content[]) => {
    const { entries, entry } = setUp()
    for (const content of contents) entries.replace(entry, version(content))
    return entry.formerCodes
  }

  test('are remembered once each, in their order, for an earlier request may have brought them to mediQuo', () => {
    expect(codesAfter(upsert('a'), upsert('b'), upsert('c'))).toEqual(['a', 'b'])
    expect(codesAfter(upsert('a'), upsert('b'), upsert('a'), upsert('b'))).toEqual(['a', 'b'])
  })

  test('are none of a version that has the same code, or whose code is not known', () => {
    expect(codesAfter(upsert('a'), upsert('a', 'New'), removed('a'))).toEqual([])
    expect(codesAfter({ kind: 'incomplete' }, upsert('a'))).toEqual([])
    expect(codesAfter(upsert('a'), { kind: 'incomplete' })).toEqual(['a'])
  })

  test('are known until nothing of the row waits any more', () => {
    const { entries, entry, depart } = setUp()
    entries.replace(entry, version(upsert('a')))
    entries.replace(entry, version(upsert('b')))
    const sent = depart()
    entries.replace(entry, version(upsert('b', 'New')))
    entries.settle(entry, sent, null)
    expect(entry.formerCodes).toEqual(['a'])
    entries.settle(entry, depart(), null)
    expect(entry.formerCodes).toEqual([])
  })
})

describe('a row in memory', () => {
  test('is forgotten once nothing of it waits, is in flight, read, read back, or still to be stored', () => {
    const { entries, entry } = setUp()
    const one = version(upsert('a'))
    const parcel = { key: key('1'), code: code('a'), patient: patient('a'), purpose: 'upsert', version: one } as const
    const reasons = [
      { waiting: one },
      { inFlight: one },
      { read: { number: 1, snapshot: { xmin: 1n, xmax: 1n, inProgress: new Set() }, endLsn: at(1) } },
      { expected: true },
      { unrecorded: delivered('1', patient('a')) },
      { unconfirmed: [parcel] },
    ]
    for (const reason of reasons) {
      const before = { ...entry }
      Object.assign(entry, reason)
      entries.forgetIfDone(entry)
      expect(entries.find(key('1')), Object.keys(reason).join()).toBe(entry)
      Object.assign(entry, before)
    }
    entries.forgetIfDone(entry)
    expect([entries.find(key('1')), entries.all()]).toEqual([undefined, []])
  })

  test('stays until its newest settlement is stored, and then goes', () => {
    const { entries, entry } = setUp()
    const [older, newer] = [delivered('1', patient('a')), delivered('1', patient('a', 'New'))]
    entries.store(entry, older)
    entries.store(entry, newer)
    entries.recorded([older, delivered('2', patient('b'))])
    expect([entries.toRecord(), entries.unrecorded, entries.find(key('1'))]).toEqual([[newer], 1, entry])
    entries.recorded([newer])
    expect([entries.toRecord(), entries.unrecorded, entries.find(key('1'))]).toEqual([[], 0, undefined])
  })

  test('is not stored again if the state says so already', () => {
    const { entries, entry } = setUp()
    const row = delivered('1', patient('a'))
    entry.stored = row
    entries.settle(entry, version(upsert('a')), { ...row })
    expect(entries.toRecord()).toEqual([])
    entries.settle(entry, version(upsert('a')), { ...row, fingerprint: null })
    expect(entries.toRecord()).toEqual([{ ...row, fingerprint: null }])
  })
})
