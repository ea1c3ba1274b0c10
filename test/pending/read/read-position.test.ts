import { describe, expect, test } from 'vitest'
import { xid } from '../../../src/model/source/visibility.ts'
import { dialogue, short } from '../dialogue.ts'
import { at, delivered, key, patient, position, removed, seesBelow, upsert } from '../rows.ts'

describe('a streamed change from before the end of a sent read', () => {
  test('is read again, whichever row it changes, and the read settles it', () => {
    const { commits, reads, take, accept, pending, progress, record } = dialogue()
    reads('1', upsert('a'), seesBelow(100), 300)
    accept(take())
    commits(200, ['2', upsert('b', 'Streamed')])
    expect([take(), pending.toRead(9), progress.settledLsn]).toEqual([[], [key('2')], at(100)])
    reads('2', upsert('b', 'Read'), seesBelow(201), 310)
    const batch = take()
    expect(short(batch)).toEqual(['upsert b Read'])
    accept(batch)
    expect(progress.settledLsn).toBe(at(201))
    expect(record()).toContainEqual(
      expect.objectContaining({ key: key('2'), code: 'b', position: position(200), xid: xid(200n) }),
    )
  })

  test('is sent as it came if it commits at the end of the read or later', () => {
    const { commits, reads, take, accept } = dialogue()
    reads('1', upsert('a'), seesBelow(100), 300)
    accept(take())
    commits(299, ['2', upsert('b')])
    commits(300, ['3', upsert('c')])
    expect(short(take())).toEqual(['upsert c Jane'])
  })

  test('is sent as it came while the version of the read only waits', () => {
    const { commits, reads, take } = dialogue({ mayRepeat: (of) => of !== 'a' })
    reads('1', upsert('a'), seesBelow(100), 300)
    commits(200, ['2', upsert('b')])
    expect(short(take())).toEqual(['upsert b Jane'])
  })

  test('is read again if an earlier run sent the version of the read', () => {
    const { commits, take, pending } = dialogue({ readLsn: 300 })
    commits(200, ['2', upsert('b')])
    expect([take(), pending.toRead(9)]).toEqual([[], [key('2')]])
  })

  test('is read again if the version of the read was settled without a request', () => {
    const { commits, reads, take, pending } = dialogue({ state: [delivered('1', patient('a'))] })
    reads('1', upsert('a'), seesBelow(100), 300)
    commits(200, ['2', upsert('b')])
    expect([take(), pending.toRead(9)]).toEqual([[], [key('2')]])
  })

  test('is a delete only once a read does not find the row', () => {
    const { commits, reads, pending, settled } = dialogue({ readLsn: 300, state: [delivered('1', patient('a'))] })
    commits(200, ['1', removed('a')])
    expect([pending.toRead(9), settled]).toEqual([[key('1')], []])
    reads('1', removed(), seesBelow(201), 310)
    expect(settled).toEqual(['ignored'])
  })

  test('keeps its code, so that no other row unsubscribes it before the read', () => {
    const { commits, pending } = dialogue({
      onDelete: 'unsubscribe',
      readLsn: 300,
      state: [delivered('1', patient('a')), delivered('2', patient('b'))],
    })
    commits(301, ['1', removed('a')])
    commits(302)
    expect(pending.isCodeOwnedByOther(patient('a').code, key('1'))).toBe(false)
    commits(303, ['3', upsert('a')])
    expect(pending.isCodeOwnedByOther(patient('a').code, key('1'))).toBe(true)
    const told = dialogue({ onDelete: 'unsubscribe', readLsn: 300, state: [delivered('1', patient('a'))] })
    told.commits(201, ['3', upsert('a')])
    told.commits(301, ['1', removed('a')])
    expect(told.pending.isCodeOwnedByOther(patient('a').code, key('1'))).toBe(true)
  })

  test('is not read again if the mark of its own row contains it', () => {
    const { commits, reads, take, accept, pending, progress } = dialogue()
    reads('1', upsert('a'), seesBelow(250), 300)
    accept(take())
    commits(200, ['1', upsert('a', 'Older')])
    expect([take(), pending.toRead(9), progress.settledLsn]).toEqual([[], [], at(201)])
  })
})

describe('marks beyond their bound', () => {
  test('cost a read, and no request, for a row that was delivered', () => {
    const settledWith = (maxMarks: number) => {
      const told = dialogue({ maxMarks })
      for (const name of ['1', '2', '3']) told.reads(name, upsert(name, 'Read'), seesBelow(1_000), 900)
      told.accept(told.take())
      told.record()
      for (const name of ['1', '2', '3']) told.commits(200 + 2 * Number(name), [name, upsert(name, 'Streamed')])
      const toRead = told.pending.toRead(9)
      for (const name of ['1', '2', '3']) told.reads(name, upsert(name, 'Read'), seesBelow(1_000), 910)
      return { toRead, sent: told.take(), settledLsn: told.progress.settledLsn }
    }
    expect(settledWith(100)).toEqual({ toRead: [], sent: [], settledLsn: at(207) })
    expect(settledWith(1)).toEqual({ toRead: [key('1'), key('2')], sent: [], settledLsn: at(207) })
  })

  test('are removed together with their rows', () => {
    const { reads, take, accept, record, pending } = dialogue({ maxMarks: 1 })
    for (const name of ['1', '2', '3']) reads(name, upsert(name), seesBelow(1_000), 900)
    accept(take())
    record()
    expect(['1', '2', '3'].map((name) => pending.isInMemory(key(name)))).toEqual([false, false, true])
    pending.passed(at(900))
    expect(pending.entries).toBe(0)
  })
})
