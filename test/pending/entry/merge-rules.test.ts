import { describe, expect, test } from 'vitest'
import { Progress } from '../../../src/checkpoint/progress.ts'
import { xid } from '../../../src/model/source/visibility.ts'
import { Entry } from '../../../src/pending/entry/entry.ts'
import { mergeRead, mergeStreamed } from '../../../src/pending/entry/merge.ts'
import type { ReadRow, Version } from '../../../src/pending/entry/version.ts'
import { dialogue, short } from '../dialogue.ts'
import { at, delivered, entryOf, incomplete, key, patient, position, removed, seesBelow, upsert } from '../rows.ts'

const keepsContent = { readLsn: null, dropsContent: false }

describe('rule 3, a streamed change', () => {
  test('3a: a change that the row record contains is settled without a request', () => {
    const { commits, take, progress, settled } = dialogue({
      state: [delivered('1', patient('a', 'Newer'), { position: position(120), xid: xid(120n) })],
    })
    commits(110, ['1', upsert('a', 'Older')])
    expect([take(), settled, progress.settledLsn]).toEqual([[], ['superseded'], at(111)])
  })

  test('3a: it is not sent and does not lower the known position, though its row is in memory for another reason', () => {
    const stored = delivered('1', patient('a', 'Newer'), { position: position(120), xid: xid(120n) })
    const entry = entryOf('1', stored)
    const change = { key: key('1'), position: position(110), xid: xid(110n), committedAtMs: 0, bytes: 1 }
    const context = { debts: new Progress(at(100)), horizon: position(200), onDelete: 'ignore' } as const
    expect(mergeStreamed(entry, { ...change, content: upsert('a', 'Older') }, context, keepsContent)).toBeNull()
    expect([entry.known, entry.inDoubt, entry.state]).toEqual([null, false, 'idle'])
  })

  test('3a: nor is a change at exactly the position of the row record, as after every restart', () => {
    const stored = delivered('1', patient('a'), { position: position(110), xid: xid(110n) })
    const entry = entryOf('1', stored)
    const change = { key: key('1'), position: position(110), xid: xid(110n), committedAtMs: 0, bytes: 1 }
    const context = { debts: new Progress(at(100)), horizon: null, onDelete: 'ignore' } as const
    expect(mergeStreamed(entry, { ...change, content: upsert('a') }, context, keepsContent)).toBeNull()
    expect(entry.known).toBeNull()
  })

  test('3b: a change up to the horizon puts its row in doubt', () => {
    const { commits, take } = dialogue({ horizon: position(110), state: [delivered('1', patient('a'))] })
    commits(110, ['1', upsert('a')])
    expect(short(take())).toEqual(['upsert a Jane'])
  })

  /** Delivers a row, and then reads the row that three later transactions left. */
  function readAhead() {
    const row = dialogue()
    row.commits(110, ['1', upsert('a', 'First')])
    row.accept(row.take())
    expect(row.reads('1', upsert('a', 'Third'), seesBelow(131))).toBe(true)
    return row
  }

  test('3c: a change that a merged read contains is not sent, and its debt joins the waiting version', () => {
    const { commits, take, accept, progress, record } = readAhead()
    commits(120, ['1', upsert('a', 'Second')])
    const batch = take()
    expect([short(batch), progress.settledLsn]).toEqual([['upsert a Third'], at(111)])
    accept(batch)
    expect(progress.settledLsn).toBe(at(121))
    expect(record()).toMatchObject([{ position: position(120), xid: 120n }])
  })

  test('3c: its debt joins the version in flight if none waits', () => {
    const { commits, take, accept, progress, record } = readAhead()
    const batch = take()
    commits(120, ['1', upsert('a', 'Second')])
    expect([take(), progress.settledLsn]).toEqual([[], at(111)])
    accept(batch)
    expect(progress.settledLsn).toBe(at(121))
    expect(record()).toMatchObject([{ position: position(120), xid: 120n }])
  })

  test('3c: its debt is settled if no version waits and none is in flight', () => {
    const { commits, take, accept, progress } = readAhead()
    accept(take())
    commits(120, ['1', upsert('a', 'Second')])
    expect([take(), progress.settledLsn]).toEqual([[], at(121)])
  })

  test('3c: a change that the read does not contain replaces the version that the read brought', () => {
    const { commits, reads, take } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', incomplete()])
    reads('1', upsert('a', 'Read'), seesBelow(120))
    commits(120, ['1', upsert('a', 'Later')])
    expect(short(take())).toEqual(['upsert a Later'])
  })

  test('the mark of a read is removed once the stream has passed the read', () => {
    const { commits, reads, take, accept } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', incomplete()])
    reads('1', upsert('a', 'Read'), seesBelow(200), 115)
    accept(take())
    commits(116, ['2', upsert('b')])
    commits(120, ['1', upsert('a', 'Later')])
    expect(short(take())).toEqual(['upsert b Jane', 'upsert a Later'])
  })
})

describe('rule 4, a row that a read returned', () => {
  test('it is discarded if its snapshot does not contain the newest known change', () => {
    const { commits, reads, pending, take } = dialogue()
    commits(110, ['1', incomplete()])
    expect(reads('1', upsert('a', 'Older'), seesBelow(110))).toBe(false)
    expect(take()).toEqual([])
    expect(pending.toRead(10)).toEqual([key('1')])
  })

  test.each([
    ['nothing is known in memory', null],
    ['what is known in memory is older', { position: position(110), xid: xid(110n) }],
  ])('the position in the row record counts: %s', (_, known) => {
    const stored = delivered('1', patient('a'), { position: position(200), xid: xid(500n) })
    const entry = entryOf('1', stored)
    if (known) entry.know(known.position, known.xid)
    const read = {
      key: key('1'),
      content: upsert('a'),
      endLsn: at(900),
      readAtMs: 0,
      lane: 'live',
      bytes: 1,
      backfillDebt: null,
    } as const
    expect(mergeRead(entry, { ...read, snapshot: seesBelow(400) }, 1)).toEqual({ stale: true, version: null })
    expect(entry.read).toBeNull()
    expect(mergeRead(entry, { ...read, snapshot: seesBelow(501) }, 1)).toMatchObject({
      stale: false,
      version: { xid: 500n },
    })
  })

  test('it replaces a waiting live version and takes its debt, labelled with the newest streamed change', () => {
    const { commits, reads, take, accept, progress, record } = dialogue()
    commits(110, ['1', upsert('a', 'Streamed')])
    expect(reads('1', upsert('a', 'Read'), seesBelow(200), 300)).toBe(true)
    const batch = take()
    expect(short(batch)).toEqual(['upsert a Read'])
    expect(progress.settledLsn).toBe(at(100))
    accept(batch)
    expect(progress.settledLsn).toBe(at(111))
    expect(record()).toMatchObject([{ position: position(110), xid: 110n }])
  })

  const found: Omit<ReadRow, 'content'> = {
    key: key('1'),
    snapshot: seesBelow(400),
    endLsn: at(900),
    readAtMs: 7,
    lane: 'backfill',
    bytes: 1,
    backfillDebt: { page: 3 },
  }
  const waiting: Version = {
    content: removed('a'),
    origin: 'stream',
    lane: 'live',
    committedAtMs: 5,
    bytes: 1,
    read: null,
    position: position(110),
    xid: xid(110n),
    debt: { commitLsn: at(110) },
    backfillDebt: null,
  }

  test('it is discarded if no row record is loaded: the row was removed from memory during the read', () => {
    expect(mergeRead(new Entry(key('1')), { ...found, content: upsert('a') }, 1)).toEqual({
      stale: true,
      version: null,
    })
  })

  test('the version that replaces a waiting one keeps its time and its lane', () => {
    const entry = entryOf('1', null, { ...waiting, content: upsert('a') })
    const { version } = mergeRead(entry, { ...found, content: upsert('a', 'Read') }, 1)
    expect(version).toMatchObject({
      origin: 'read',
      committedAtMs: 5,
      lane: 'live',
      debt: null,
      backfillDebt: { page: 3 },
    })
    const alone = mergeRead(entryOf('1', null), { ...found, content: upsert('a') }, 1)
    expect(alone.version).toMatchObject({ committedAtMs: 7, lane: 'backfill' })
  })

  test('a removal that the stream has brought keeps its place in the order of the stream', () => {
    const entry = entryOf('1', null, waiting)
    const read = { number: 4, snapshot: found.snapshot, endLsn: found.endLsn }
    expect(mergeRead(entry, { ...found, content: removed() }, 4)).toEqual({
      stale: false,
      version: { ...waiting, read, debt: null, backfillDebt: { page: 3 } },
    })
  })

  test('a read that the stream has passed already suppresses no later change', () => {
    const { commits, reads, take, progress } = dialogue()
    commits(400)
    reads('1', upsert('a', 'Read'), seesBelow(500), Number(progress.receivedLsn))
    commits(450, ['1', upsert('a', 'Later')])
    expect(short(take())).toEqual(['upsert a Later'])
  })

  test('the newer of two reads of a row counts until the stream has passed it', () => {
    const { commits, reads, take } = dialogue()
    reads('1', upsert('a', 'Read'), seesBelow(120), 200)
    reads('1', upsert('a', 'Read again'), seesBelow(350), 400)
    commits(300)
    commits(310, ['1', upsert('a', 'Before it')])
    expect(short(take())).toEqual(['upsert a Read again'])
  })

  test('a discarded read leaves no mark: a later change is sent', () => {
    const { commits, reads, take } = dialogue()
    commits(110, ['1', incomplete()])
    reads('1', upsert('a', 'Older'), { ...seesBelow(200), inProgress: new Set([xid(110n)]) })
    commits(120, ['1', upsert('a', 'Later')])
    expect(short(take())).toEqual(['upsert a Later'])
  })
})

describe('rule 5, a row that a read did not find', () => {
  test('a row with a row record is deleted', () => {
    const { commits, reads, resolve, take, pending } = dialogue({
      onDelete: 'unsubscribe',
      state: [delivered('1', patient('a'))],
    })
    commits(110, ['1', incomplete()])
    expect(reads('1', removed(), seesBelow(200), 200)).toBe(true)
    pending.passed(at(200))
    resolve(() => patient('a'))
    expect(short(take())).toEqual(['remove a Jane no plan'])
  })

  test('a row that is removed already is not changed, and no mark is set', () => {
    const { commits, reads, take, pending } = dialogue()
    commits(110, ['1', removed()])
    expect(reads('1', removed(), seesBelow(200))).toBe(true)
    expect(pending.waiting).toEqual({ live: 0, backfill: 0 })
    // The snapshot contains this change: a mark of the read would suppress the row.
    commits(150, ['1', upsert('a', 'Back')])
    expect(short(take())).toEqual(['upsert a Back'])
  })

  test('a row stays in memory during a read of it: settlements in the meantime are not forgotten', () => {
    const { commits, take, accept, record, pending, ledger } = dialogue()
    ledger.begin({ id: 1, position: null, rowsRead: 0 })
    for (const wanted of pending.expect([key('1')])) pending.lookedUp(wanted, null)
    commits(110, ['1', upsert('a', 'Newer')])
    accept(take())
    record()
    const backfillDebt = ledger.open({ phase: 'table', after: key('1'), pageSize: 50 }, 1, 1)
    const read = {
      snapshot: seesBelow(110),
      endLsn: at(90),
      readAtMs: 0,
      lane: 'backfill' as const,
      bytes: 1,
      backfillDebt,
    }
    expect(pending.read({ key: key('1'), content: upsert('a', 'Older'), ...read })).toBe(false)
    pending.endRead()
    expect([take(), ledger.progress?.rowsRead]).toEqual([[], 1])
  })
})

describe('a read of a standby, which the stream has passed', () => {
  test('is discarded for a row that was streamed since the read began: nobody can know which of these changes it contains', () => {
    const { commits, readsStandby, take } = dialogue()
    commits(150, ['1', upsert('a', 'Streamed')])
    expect(readsStandby('1', upsert('a', 'Read'), 150, 200)).toBe(false)
    expect(readsStandby('1', upsert('a', 'Read'), 151, 200)).toBe(true)
    expect(take()).toMatchObject([{ patient: { first_name: 'Read' } }])
  })

  test('compares with the row record of a row that memory has forgotten', () => {
    const { commits, readsStandby, take, accept, record } = dialogue()
    commits(150, ['1', upsert('a', 'Streamed')])
    accept(take())
    record()
    expect(readsStandby('1', upsert('a', 'Read'), 140, 200)).toBe(false)
    expect(take()).toEqual([])
  })

  test('suppresses no later change', () => {
    const { commits, readsStandby, take } = dialogue()
    commits(100, ['2', upsert('b')])
    expect(readsStandby('1', upsert('a', 'Read'), 90, 101)).toBe(true)
    commits(210, ['1', upsert('a', 'Later')])
    expect(take()).toMatchObject([{ patient: { code: 'b' } }, { patient: { first_name: 'Later' } }])
  })
})
