import { describe, expect, test } from 'vitest'
import { xid } from '../../src/model/source/visibility.ts'
import { dialogue, short } from './dialogue.ts'
import { at, delivered, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

describe('coalescing', () => {
  test('moves the debt of the replaced version to the newest version', () => {
    const { commits, take, accept, progress } = dialogue()
    commits(110, ['1', upsert('a', 'Old')])
    commits(120, ['2', upsert('b')])
    commits(130, ['1', upsert('a', 'New')])
    const batch = take()
    expect(short(batch)).toEqual(['upsert a New', 'upsert b Jane'])
    accept(batch.filter(({ code }) => code === 'b'))
    expect(progress.settledLsn).toBe(at(100))
    accept(batch.filter(({ code }) => code === 'a'))
    expect(progress.settledLsn).toBe(at(131))
  })

  test('keeps the debt of a version in flight after its answer when a newer version waits', () => {
    const { commits, take, accept, progress } = dialogue()
    commits(110, ['1', upsert('a', 'First')])
    const first = take()
    commits(120, ['1', upsert('a', 'Second')])
    expect(take()).toEqual([])
    accept(first)
    expect(progress.settledLsn).toBe(at(111))
    const second = take()
    expect(short(second)).toEqual(['upsert a Second'])
    accept(second)
    expect(progress.settledLsn).toBe(at(121))
  })

  test('moves the debt of a version that was not applied to the newer version that waits', () => {
    const { commits, take, accept, progress, pending } = dialogue()
    commits(110, ['1', upsert('a', 'First')])
    const first = take()
    commits(120, ['1', upsert('a', 'Second')])
    for (const delivery of first) pending.returned(delivery)
    const second = take()
    expect([short(second), progress.settledLsn]).toEqual([['upsert a Second'], at(100)])
    accept(second)
    expect([progress.settledLsn, progress.spans]).toEqual([at(121), 0])
  })
})

describe('a batch', () => {
  test('contains each code once, the older row first', () => {
    const { commits, take, accept } = dialogue()
    commits(110, ['1', upsert('a', 'One')], ['2', upsert('a', 'Two')], ['3', upsert('b')])
    const first = take()
    expect(short(first)).toEqual(['upsert a One', 'upsert b Jane'])
    expect(take()).toEqual([])
    accept(first)
    expect(short(take())).toEqual(['upsert a Two'])
  })

  test('contains each code once, though one read brought both rows and neither is older', () => {
    const { pending, take, accept } = dialogue()
    for (const wanted of pending.expect([key('1'), key('2')])) pending.lookedUp(wanted, null)
    const read = {
      snapshot: seesBelow(200),
      endLsn: at(10_000),
      readAtMs: 0,
      lane: 'backfill',
      bytes: 10,
      backfillDebt: null,
    } as const
    pending.read({ key: key('1'), content: upsert('a', 'One'), ...read })
    pending.read({ key: key('2'), content: upsert('a', 'Two'), ...read })
    pending.endRead()
    const first = take()
    expect(short(first)).toEqual(['upsert a One'])
    expect(take()).toEqual([])
    accept(first)
    expect(short(take())).toEqual(['upsert a Two'])
  })

  test('leaves out codes and rows that are in flight', () => {
    const { commits, take } = dialogue()
    commits(110, ['1', upsert('a')])
    expect(take()).toHaveLength(1)
    commits(120, ['2', upsert('a')])
    commits(130, ['1', upsert('b')])
    expect(take()).toEqual([])
  })

  test('takes live rows before backfill rows, and no more rows than asked for', () => {
    const { commits, reads, take } = dialogue()
    reads('9', upsert('z'), seesBelow(100), 10_000, 'backfill')
    commits(110, ['1', upsert('a')], ['2', upsert('b')])
    expect(short(take(2))).toEqual(['upsert a Jane', 'upsert b Jane'])
    expect(take(2).map(({ version }) => version.lane)).toEqual(['backfill'])
  })
})

describe('a row of which mediQuo has another patient', () => {
  test('is sent when it is read, though its patient equals the accepted one', () => {
    const { pending, reads, take, settled, record } = dialogue({ state: [delivered('1', patient('a'))] })
    reads('1', upsert('a'), seesBelow(200))
    expect([take(), settled]).toEqual([[], ['unchanged']])
    for (const wanted of pending.expect([key('1')])) pending.lookedUp(wanted, delivered('1', patient('a')))
    pending.distrust([key('1')])
    expect(record()).toEqual([delivered('1', patient('a'), { fingerprint: null })])
    reads('1', upsert('a'), seesBelow(200))
    expect(short(take())).toEqual(['upsert a Jane'])
  })

  test('stays in doubt in the store if the read is older than the known change: the next version is sent', () => {
    const { pending, commits, reads, take, record } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', upsert('a')])
    for (const wanted of pending.expect([key('1')])) pending.lookedUp(wanted, delivered('1', patient('a')))
    pending.distrust([key('1')])
    expect(reads('1', upsert('a'), seesBelow(105))).toBe(false)
    expect(take()).toEqual([])
    expect(record()).toMatchObject([{ fingerprint: null }])
    commits(120, ['1', upsert('a')])
    expect(short(take())).toEqual(['upsert a Jane'])
  })

  test('is not noted if the row is not known or was not accepted', () => {
    const { pending, record } = dialogue()
    for (const wanted of pending.expect([key('1'), key('2')]))
      pending.lookedUp(wanted, wanted.key === key('1') ? null : delivered('2', patient('a'), { fingerprint: null }))
    pending.distrust([key('1'), key('2'), key('3')])
    expect(record()).toEqual([])
  })
})

describe('a request', () => {
  test('is not sent for a patient that the API already has', () => {
    const { commits, take, progress, settled } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', upsert('a')])
    expect([take(), settled, progress.settledLsn]).toEqual([[], ['unchanged'], at(111)])
  })

  test('is not sent for a waiting row that again equals what the API has when its turn comes', () => {
    const { commits, take, progress, pending, settled } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', upsert('a', 'Other')])
    commits(120, ['1', upsert('a')])
    expect([pending.sendable.live, settled]).toEqual([1, []])
    expect([take(), settled, progress.settledLsn]).toEqual([[], ['unchanged'], at(121)])
  })

  test('is sent for a row whose code the store names for another row', () => {
    const { streams, pending, take } = dialogue()
    streams(110, '1', upsert('a'))
    for (const asked of pending.toLookUp(1)) pending.lookedUp(asked, delivered('1', patient('a')), true)
    expect(short(take())).toEqual(['upsert a Jane'])
  })

  test('is sent for a row in doubt: the API may have another patient', () => {
    const { commits, take, pending } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', upsert('a', 'Other')])
    for (const delivery of take()) pending.lost(delivery)
    commits(120, ['1', upsert('a')])
    expect(short(take())).toEqual(['upsert a Jane'])
  })

  test('is no longer sent once an acceptance that is read back ends the doubt', () => {
    const { commits, take, accept, pending, settled } = dialogue({ readsBack: true })
    commits(110, ['1', upsert('a')])
    for (const delivery of take()) pending.lost(delivery)
    const again = take()
    accept(again)
    for (const delivery of again) pending.confirmed(delivery)
    commits(120, ['1', upsert('a')])
    expect([take(), settled]).toEqual([[], ['delivered', 'unchanged']])
  })

  test('is noted in the store before it is sent: the delivered patient is unknown', () => {
    const { commits, take, record, stored } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', upsert('a', 'Other')], ['2', upsert('b')])
    take()
    record()
    expect(stored.get(key('1'))).toMatchObject({ code: 'a', fingerprint: null, removed: false, position: position(1) })
    expect(stored.get(key('2'))).toMatchObject({ code: 'b', fingerprint: null, removed: false, position: null })
  })
})

describe('a dead letter', () => {
  const letter = { reason: 'refused by the API', attributes: [], status: 422 } as const

  test('of a refused row has no fingerprint, and is removed with the next version that succeeds', () => {
    const { commits, take, accept, pending, record } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', upsert('a', 'Bad')])
    for (const delivery of take()) pending.refused(delivery, letter)
    expect(record()).toMatchObject([{ fingerprint: null, deadLetter: letter, position: position(110) }])
    commits(120, ['1', upsert('a')])
    accept(take())
    expect(record()).toMatchObject([{ deadLetter: null, position: position(120) }])
  })

  test('is not written again with a row that is about to be sent', () => {
    const state = [delivered('1', patient('a'), { code: null, fingerprint: null, deadLetter: letter })]
    const { commits, take, accept, record } = dialogue({ state })
    commits(110, ['1', upsert('a')])
    const deliveries = take()
    expect(record()).toMatchObject([{ code: 'a', deadLetter: 'kept' }])
    accept(deliveries)
    expect(record()).toMatchObject([{ deadLetter: null }])
  })

  test('that is not stored yet is kept for a row that is about to be sent', () => {
    const { commits, take, record } = dialogue({ state: [delivered('1', patient('a'), { removed: true })] })
    commits(110, ['1', { kind: 'invalid', code: null, invalid: [{ attribute: 'first_name', reason: 'missing' }] }])
    commits(120, ['1', upsert('a')])
    take()
    expect(record()).toMatchObject([{ removed: false, deadLetter: { reason: 'invalid' } }])
  })

  test.each([
    { what: 'removed', stored: {}, outcome: 'ignored' },
    { what: 'removed already', stored: { removed: true }, outcome: 'unchanged' },
  ])('is removed with a row that a read finds $what', ({ stored, outcome }) => {
    const state = [delivered('1', patient('a'), { fingerprint: null, deadLetter: letter, ...stored })]
    const { reads, record, settled } = dialogue({ state })
    reads('1', removed(), seesBelow(500))
    expect([settled, record()]).toMatchObject([[outcome], [{ removed: true, deadLetter: null }]])
  })

  test('of an invalid row settles its debt, and keeps the code that mediQuo has', () => {
    const { commits, progress, record } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', { kind: 'invalid', code: null, invalid: [{ attribute: 'first_name', reason: 'missing' }] }])
    expect(progress.settledLsn).toBe(at(111))
    expect(record()).toMatchObject([{ code: 'a', fingerprint: null, deadLetter: { reason: 'invalid' } }])
  })
})

describe('large rows', () => {
  /** Streams a row of each of these sizes in bytes, and takes a batch. */
  function batchOf(...sizes: readonly number[]) {
    const { pending, progress } = dialogue()
    progress.begin(at(110))
    for (const [index, bytes] of sizes.entries()) {
      const change = { position: position(110, index + 1), xid: xid(110n), committedAtMs: 0, bytes }
      pending.streamed({ key: key(`${index}`), content: upsert(`c${index}`), ...change })
    }
    for (const wanted of pending.toLookUp(10)) pending.lookedUp(wanted, null)
    return { count: pending.take(10).length, fill: pending.fill }
  }
  const most = 4 * 1024 * 1024

  test('share a batch with few others: a batch of four mebibytes is complete', () => {
    expect(batchOf(most, 1).count).toBe(1)
    expect(batchOf(most - 1, 1, 1).count).toBe(2)
    expect(batchOf(most - 1, most, 1).count).toBe(2)
    expect(batchOf(1, 1, 1).count).toBe(3)
  })

  test('fill the room by their size and by their number, and never more than all of it', () => {
    expect(batchOf(300_000, 200_000).fill).toBe(0.5)
    expect(batchOf(most).fill).toBe(1)
    // Each row is in flight, and was noted before it left.
    expect(batchOf(1, 1, 1).fill).toBe(6 / 1_000)
  })
})

describe('the bounds of memory', () => {
  test('count a row until it is stored', () => {
    const { commits, take, accept, pending, record } = dialogue({ maxRows: 100 })
    for (let at = 0; at < 100; at++) commits(110 + at * 2, [`${at}`, upsert(`c${at}`)])
    expect(pending.full).toBe(true)
    for (let batch = take(); batch.length > 0; batch = take()) accept(batch)
    expect([pending.full, pending.unrecorded]).toEqual([true, 100])
    record()
    expect([pending.full, pending.unrecorded]).toEqual([false, 0])
  })

  test('keep a row that is settled again while its older settlement is being stored', () => {
    const { commits, take, accept, pending } = dialogue()
    commits(110, ['1', upsert('a', 'First')])
    accept(take())
    const writing = pending.toRecord()
    commits(120, ['1', upsert('a', 'Second')])
    accept(take())
    pending.recorded(writing)
    expect(pending.toRecord()).toMatchObject([{ key: key('1'), position: position(120) }])
  })
})

test('a version that was in flight when the table was truncated is read again before it is sent again', () => {
  const told = dialogue()
  told.commits(110, ['1', upsert('a')], ['2', upsert('b')])
  const [first, second] = told.take()
  told.pending.truncated()
  if (first) told.pending.returned(first)
  if (second) told.accept([second])
  expect([told.take(), told.pending.toRead(9)]).toEqual([[], [key('1')]])
  expect(told.record()).toContainEqual(expect.objectContaining({ key: key('2'), owed: expect.anything() }))
})

test('a success that is not a documented one is stored before it is read back: mediQuo may have the code', () => {
  const { commits, take, pending, record } = dialogue()
  commits(110, ['1', upsert('a')])
  const [delivery] = take()
  if (!delivery) throw new Error('nothing was sent')
  expect(record()).toMatchObject([{ key: key('1'), unacceptedCodes: ['a'] }])
  pending.succeeded(delivery)
  expect(record()).toMatchObject([{ key: key('1'), fingerprint: null, unacceptedCodes: [] }])
  pending.succeeded(delivery)
  expect(record()).toEqual([])
  expect(pending.inFlight).toBe(1)
})
