import { describe, expect, test } from 'vitest'
import { xid } from '../../src/model/visibility.ts'
import { at, delivered, dialogue, key, patient, position, removed, short, upsert } from './rows.ts'

const incomplete = { kind: 'incomplete' } as const

describe('rule 9, after a restart', () => {
  test('nothing is sent, read or resolved until the stream stands at the horizon', () => {
    const { commits, take, pending } = dialogue({ horizon: position(120), onDelete: 'unsubscribe' })
    commits(110, ['1', upsert('a', 'Older')], ['2', incomplete], ['3', removed('c')])
    expect([take(), pending.toRead(10), pending.toResolve(10), pending.sendable, pending.held]).toEqual([
      [],
      [],
      [],
      { live: 0, backfill: 0 },
      true,
    ])
    commits(120, ['1', upsert('a', 'Newer')])
    expect([pending.held, pending.toRead(10), pending.toResolve(10).length]).toEqual([false, [key('2')], 1])
    expect(short(take())).toEqual(['upsert a Newer'])
  })

  test('states are looked up meanwhile, and what needs no request is settled once it ends', () => {
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

  test('a keepalive past the horizon ends the hold, one at it does not', () => {
    const { pending } = dialogue({ horizon: position(120) })
    pending.passed(at(120))
    expect(pending.held).toBe(true)
    pending.passed(at(121))
    expect(pending.held).toBe(false)
  })

  test('the change at the horizon ends the hold, in the midst of its transaction', () => {
    const { pending, progress } = dialogue({ horizon: position(120, 2) })
    const change = { xid: xid(120n), committedAtMs: 0, bytes: 10 }
    progress.begin(at(120))
    pending.streamed({ key: key('1'), content: upsert('a'), position: position(120, 1), ...change })
    expect(pending.held).toBe(true)
    pending.streamed({ key: key('2'), content: upsert('b'), position: position(120, 2), ...change })
    expect(pending.held).toBe(false)
  })

  test('a change past the horizon is not in doubt', () => {
    const { commits, take, settled } = dialogue({ horizon: position(120), state: [delivered('1', patient('a'))] })
    commits(130, ['1', upsert('a')])
    expect([take(), settled]).toEqual([[], ['unchanged']])
  })
})
