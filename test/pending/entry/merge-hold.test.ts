import { describe, expect, test } from 'vitest'
import { xid } from '../../../src/model/source/visibility.ts'
import { versionBytes } from '../../../src/pending/entry/version.ts'
import { dialogue, short } from '../dialogue.ts'
import { at, code, delivered, incomplete, key, patient, position, removed, seesBelow, upsert } from '../rows.ts'

describe('rule 9, after a restart', () => {
  test('nothing is sent, read or resolved until the stream is past the horizon', () => {
    const { commits, take, pending } = dialogue({ horizon: position(120), onDelete: 'unsubscribe' })
    commits(108, ['1', upsert('a', 'Older')], ['3', removed('c')])
    commits(110, ['2', incomplete()])
    expect([take(), pending.toRead(10), pending.toResolve(10), pending.sendable, pending.isSendingHeld]).toEqual([
      [],
      [],
      [],
      { live: 0, backfill: 0 },
      true,
    ])
    commits(120, ['1', upsert('a', 'Newer')])
    expect([pending.isSendingHeld, pending.toRead(10), pending.toResolve(10).length]).toEqual([false, [key('2')], 1])
    expect(short(take())).toEqual(['upsert a Newer'])
  })

  test('row records are loaded during the hold, and what needs no request is settled once it ends', () => {
    const told = dialogue({ horizon: position(120), state: [delivered('1', patient('a'))] })
    told.progress.begin(at(110))
    const change = { position: position(110), xid: xid(110n), committedAtMs: 0, bytes: 10 }
    told.pending.streamed({ key: key('1'), content: removed(), ...change })
    told.progress.commit(at(111))
    expect(told.pending.toLookUp(9).map((row) => row.key)).toEqual([key('1')])
    for (const wanted of told.pending.toLookUp(9)) told.pending.lookedUp(wanted, delivered('1', patient('a')))
    expect([told.pending.toLookUp(9), told.settled, told.pending.waiting.live]).toEqual([[], [], 1])
    told.pending.passed(at(121))
    expect([told.settled, told.pending.waiting.live]).toEqual([['ignored'], 0])
  })

  test('a keepalive past the horizon ends the hold, a keepalive at the horizon does not', () => {
    const { pending } = dialogue({ horizon: position(120) })
    pending.passed(at(120))
    expect(pending.isSendingHeld).toBe(true)
    pending.passed(at(121))
    expect(pending.isSendingHeld).toBe(false)
  })

  test('the hold ends with the transaction of the horizon, not with the change: a later change in it may replace an older one', () => {
    const told = dialogue({ horizon: position(120, 1) })
    told.commits(110, ['1', upsert('a', 'Older')])
    const transaction = told.begins(120)
    transaction.change('2', upsert('a', 'Sent before'))
    expect([told.pending.isSendingHeld, told.take()]).toEqual([true, []])
    transaction.change('1', upsert('b'))
    transaction.commit()
    expect([told.pending.isSendingHeld, short(told.take())]).toEqual([false, ['upsert b Jane', 'upsert a Sent before']])
  })

  test('a change past the horizon is not in doubt', () => {
    const { commits, take, settled } = dialogue({ horizon: position(120), state: [delivered('1', patient('a'))] })
    commits(130, ['1', upsert('a')])
    expect([take(), settled]).toEqual([[], ['unchanged']])
  })
})

describe('memory during the hold', () => {
  const payload = 100_000

  test('drops the content of changes once payloads fill it; codes and debts stay, and the rows are read after the hold', () => {
    const { streams, load, pending, progress, reads, take, accept } = dialogue({
      horizon: position(130),
      maxBytes: payload,
    })
    streams(110, '1', upsert('a'), payload)
    streams(120, '2', upsert('b'), payload)
    load()
    expect([pending.bytes, pending.full, pending.isSendingHeld]).toEqual([payload + versionBytes, false, true])
    expect(pending.isCodeOwnedByOther(code('b'), key('1'))).toBe(true)
    streams(130, '3', upsert('c'), payload)
    load()
    pending.passed(at(131))
    expect([pending.isSendingHeld, pending.toRead(9)]).toEqual([false, [key('2'), key('3')]])
    accept(take())
    expect(progress.settledLsn).toBe(at(111))
    for (const [name, of] of [
      ['2', 'b'],
      ['3', 'c'],
    ] as const)
      reads(name, upsert(of, 'Read'), seesBelow(200))
    const batch = take()
    accept(batch)
    expect([short(batch), progress.settledLsn]).toEqual([['upsert b Read', 'upsert c Read'], at(131)])
  })

  test('exceeds its bound by at most one payload, and a little for each row', () => {
    const rows = 50
    const { streams, load, pending } = dialogue({ horizon: position(10_000), maxBytes: 3 * payload })
    for (let change = 0; change < 4 * rows; change++) {
      streams(110 + 2 * change, `${change % rows}`, upsert(`c${change % rows}`), payload)
      load()
      expect(pending.bytes).toBeLessThanOrEqual(4 * payload + rows * versionBytes)
    }
    expect(pending.entries).toBe(rows)
  })

  test('keeps content after the hold, however full it is', () => {
    const { commits, begins, pending, take } = dialogue({ horizon: position(110), maxBytes: payload })
    commits(110)
    pending.release()
    const transaction = begins(120)
    transaction.change('1', upsert('a'), payload)
    transaction.change('2', upsert('b'), payload)
    transaction.commit()
    expect([pending.full, pending.toRead(9), short(take())]).toEqual([true, [], ['upsert a Jane', 'upsert b Jane']])
  })

  test('is released by rows that the store contains already, as they are loaded', () => {
    const state = ['1', '2'].map((name) => delivered(name, patient(name), { position: position(150), xid: xid(150n) }))
    const { streams, load, pending, settled, progress } = dialogue({ horizon: position(200), state })
    streams(110, '1', upsert('1'), payload)
    streams(120, '2', upsert('2'), payload)
    streams(130, '3', upsert('3'), 10)
    expect([pending.bytes, pending.unloaded]).toEqual([2 * payload + 10, 3])
    load()
    expect([pending.bytes, pending.entries, settled]).toEqual([10, 1, ['superseded', 'superseded']])
    expect(progress.settledLsn).toBe(at(121))
  })
})
