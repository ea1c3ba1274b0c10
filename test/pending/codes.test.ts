import { describe, expect, test } from 'vitest'
import { xid } from '../../src/model/source/visibility.ts'
import { dialogue, found, short, unsubscribing } from './dialogue.ts'
import { at, delivered, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

describe('a row that changes its code', () => {
  test('unsubscribes a code that it had only in between, though a read returned the later row: another row may have left the code to it', () => {
    const { pending, reads, commits, resolve, take } = unsubscribing(['1', 'b'])
    reads('1', upsert('b'), seesBelow(500), 200)
    commits(110, ['1', upsert('c')], ['1', upsert('b')])
    expect(pending.toRead(10)).toEqual([key('1')])
    reads('1', upsert('b'), seesBelow(500), 200)
    commits(300)
    resolve(found)
    expect(short(take())).toEqual(['unsubscribe code c FromApi no plan'])
  })

  test('unsubscribes the old code, though the row record was read from the store before that code was sent', () => {
    const { pending, commits, take, accept, record, progress, resolve } = dialogue({ onDelete: 'unsubscribe' })
    const [asked] = pending.expect([key('1')])
    commits(110, ['1', upsert('a')])
    accept(take())
    record()
    pending.endRead()
    progress.begin(at(120))
    const change = { position: position(120), xid: xid(120n), committedAtMs: 0, bytes: 10 }
    pending.streamed({ key: key('1'), content: upsert('b'), ...change })
    if (asked) pending.lookedUp(asked, null)
    expect(take()).toEqual([])
    expect(pending.toLookUp(10).map((row) => row.key)).toEqual([key('1')])
    progress.commit(at(121))
    commits(130)
    resolve(found)
    expect(short(take())).toEqual(['unsubscribe code a FromApi no plan'])
  })

  test('unsubscribes the old code before the new one is sent', () => {
    const { commits, resolve, take, accept } = unsubscribing(['1', 'a'])
    commits(110, ['1', upsert('b')])
    expect(take()).toEqual([])
    resolve(found)
    const unsubscription = take()
    expect(short(unsubscription)).toEqual(['unsubscribe code a FromApi no plan'])
    accept(unsubscription)
    expect(short(take())).toEqual(['upsert b Jane'])
  })

  test('leaves the old code subscribed if deletes are ignored', () => {
    const { commits, take } = dialogue({ state: [delivered('1', patient('a'))] })
    commits(110, ['1', upsert('b')])
    expect(short(take())).toEqual(['upsert b Jane'])
  })

  test('unsubscribes a code whose request was never answered', () => {
    const { commits, resolve, take, accept, pending } = dialogue({ onDelete: 'unsubscribe', readsBack: true })
    commits(110, ['1', upsert('a')])
    const lost = take()
    commits(120, ['1', upsert('b')])
    for (const delivery of lost) pending.lost(delivery)
    resolve(found)
    const unsubscription = take()
    expect(short(unsubscription)).toEqual(['unsubscribe code a FromApi no plan'])
    accept(unsubscription)
    expect(short(take())).toEqual(['upsert b Jane'])
  })

  test('unsubscribes a code that an earlier run may have sent, though the versions were coalesced', () => {
    const { commits, resolve, take } = dialogue({ onDelete: 'unsubscribe', horizon: position(120) })
    commits(110, ['1', upsert('a')])
    commits(120, ['1', upsert('b')])
    resolve(found)
    expect(short(take())).toEqual(['unsubscribe code a FromApi no plan'])
  })
})

describe('a code that moves between rows', () => {
  test('is not unsubscribed if two rows swap their codes', () => {
    const { commits, resolve, take } = unsubscribing(['1', 'a'], ['2', 'b'])
    commits(110, ['1', upsert('b', 'One')], ['2', upsert('a', 'Two')])
    resolve(found)
    expect(short(take()).sort()).toEqual(['upsert a Two', 'upsert b One'])
  })

  test('is sent again for both rows if they swap back while the first request is in flight', () => {
    const { commits, resolve, take, accept } = unsubscribing(['1', 'a'], ['2', 'b'])
    commits(110, ['1', upsert('b', 'One')], ['2', upsert('a', 'Two')])
    resolve(found)
    const swapped = take(1)
    expect(short(swapped)).toEqual(['upsert b One'])
    commits(120, ['1', upsert('a')], ['2', upsert('b')])
    accept(swapped)
    resolve(found)
    const back = take()
    accept(back)
    expect([...short(back), ...short(take())].filter((sent) => sent === 'upsert b Jane')).toHaveLength(1)
  })

  test('is not unsubscribed by a changed key, though the new row was sent before the old row was resolved', () => {
    const { commits, resolve, take, accept } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()], ['2', upsert('a', 'Moved')])
    accept(take())
    resolve(found)
    expect(take()).toEqual([])
  })

  test('is sent for the new row of a changed key only after the old row is settled: otherwise the old patient would arrive later', () => {
    const { commits, changesKey, resolve, take, accept } = unsubscribing(['1', 'b'])
    commits(110, ['1', upsert('a', 'Old')])
    changesKey(120, ['1', removed()], ['2', upsert('a', 'New')])
    expect(short(take())).toEqual([])
    resolve(found)
    const unsubscription = take()
    expect(short(unsubscription)).toEqual(['unsubscribe code b FromApi no plan'])
    accept(unsubscription)
    resolve(found)
    expect(short(take())).toEqual(['upsert a New'])
  })

  test('puts both rows in doubt if they swap back before the old codes are resolved', () => {
    const { commits, take, accept } = dialogue({ state: [delivered('1', patient('a')), delivered('2', patient('b'))] })
    commits(110, ['1', upsert('b', 'One')], ['2', upsert('a', 'Two')])
    const swapped = take(1)
    expect(short(swapped)).toEqual(['upsert b One'])
    commits(120, ['1', upsert('a')], ['2', upsert('b')])
    accept(swapped)
    expect(short(take())).toContain('upsert b Jane')
  })

  test('is not unsubscribed if another row has just got it, though the store does not know that yet', () => {
    const { commits, resolve, take, accept } = unsubscribing(['1', 'a'])
    commits(110, ['2', upsert('a', 'Second')])
    accept(take())
    commits(120, ['1', removed()])
    resolve(found)
    expect(take()).toEqual([])
  })

  test.each([
    ['is in flight', false],
    ['is answered for, and not stored yet', true],
  ])(
    'is sent again if a request of another row with the code %s, though the patient equals its fingerprint',
    (_, answers) => {
      const { commits, take, accept } = dialogue({ state: [delivered('1', patient('a'))] })
      commits(110, ['2', upsert('a', 'Second')])
      const second = take()
      if (answers) accept(second)
      commits(120, ['1', upsert('a')])
      if (!answers) accept(second)
      expect(short(take())).toEqual(['upsert a Jane'])
    },
  )

  test('no longer belongs to a row that gave it away, though the row record still names it', () => {
    const { commits, resolve, take, accept } = unsubscribing(['1', 'a'])
    commits(110, ['1', upsert('b')], ['2', upsert('a', 'Second')])
    resolve(found)
    accept(take())
    // None of this is stored yet: in the store, the code is still the first row's.
    commits(120, ['2', removed()])
    resolve(found)
    expect(short(take())).toEqual(['remove a FromApi no plan'])
  })

  test('keeps its turn while its row waits for the answer to another code', () => {
    const { commits, take, accept } = dialogue()
    commits(110, ['1', upsert('x')])
    const first = take()
    commits(120, ['1', upsert('a', 'Older')])
    commits(130, ['2', upsert('a', 'Newer')])
    expect(take()).toEqual([])
    accept(first)
    const older = take()
    expect(short(older)).toEqual(['upsert a Older'])
    accept(older)
    expect(short(take())).toEqual(['upsert a Newer'])
  })

  test('is not sent with a patient that was fetched before another row took the code', () => {
    const { commits, pending, take, accept } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()])
    const [ending] = pending.toResolve(1)
    commits(120, ['2', upsert('a', 'Taken')])
    accept(take())
    if (ending) pending.resolved(ending.key, { kind: 'send', code: ending.code, patient: found('a') })
    expect(take()).toEqual([])
  })

  test('is not unsubscribed once another row has taken it', () => {
    const { commits, resolve, take } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()])
    resolve(found)
    commits(120, ['2', upsert('a', 'Taken')])
    expect(short(take())).toEqual(['upsert a Taken'])
    expect(take()).toEqual([])
  })

  test('is unsubscribed by a row that was to take it and takes another one instead', () => {
    const { commits, resolve, take } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()], ['2', upsert('a', 'Taken')])
    resolve(found)
    commits(120, ['2', upsert('b')])
    resolve(found)
    expect(short(take())).toEqual(['unsubscribe code a FromApi no plan'])
  })

  test('is unsubscribed once, by the later of two rows that give it up', () => {
    const { commits, resolve, take, accept } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()], ['2', upsert('a', 'Second')])
    commits(120, ['2', removed()])
    resolve(found)
    resolve(found)
    const batch = take()
    expect(short(batch)).toEqual(['remove a FromApi no plan'])
    accept(batch)
    resolve(found)
    expect(take()).toEqual([])
  })
})

describe('a code that a read found in another row before the stream did', () => {
  test('is not given back by a change from before the end of the read: the changed row is read again', () => {
    const { reads, commits, take, accept, pending } = dialogue()
    reads('2', upsert('a', 'New owner'), seesBelow(500), 200)
    accept(take())
    commits(110, ['1', upsert('a', 'Old owner')])
    commits(150, ['1', upsert('b', 'Old owner')])
    expect([take(), pending.toRead(10)]).toEqual([[], [key('1')]])
    reads('1', upsert('b', 'Old owner'), seesBelow(500), 210)
    expect(short(take())).toEqual(['upsert b Old owner'])
  })

  test('moves to a row of a change that the read does not contain', () => {
    const { reads, commits, take, accept } = dialogue()
    reads('2', upsert('a', 'Owner'), seesBelow(500), 200)
    accept(take())
    commits(600, ['1', upsert('a', 'Next owner')])
    expect(short(take())).toEqual(['upsert a Next owner'])
  })

  test('belongs to the later of two reads that end at the same position', () => {
    const { reads, take, accept, pending } = dialogue()
    reads('1', upsert('a', 'Old owner'), seesBelow(500), 200)
    const [lost] = take()
    reads('2', upsert('a', 'New owner'), seesBelow(500), 200)
    if (lost) pending.lost(lost)
    const again = take()
    expect(short(again)).toEqual(['upsert a Old owner'])
    accept(again)
    expect(short(take())).toEqual(['upsert a New owner'])
  })
})

describe('a code that a read found in another row', () => {
  test('is not given back by a change from before the end of the read, even after the stream has passed that end', () => {
    const { commits, reads, take, accept, pending } = dialogue()
    reads('2', upsert('a', 'Second'), seesBelow(200), 300)
    accept(take())
    commits(110, ['1', upsert('a', 'First')])
    pending.passed(at(300))
    expect([take(), pending.toRead(10)]).toEqual([[], [key('1')]])
  })

  test('is given away by a change that commits at the end of the read or later', () => {
    for (const commit of [300, 350]) {
      const { commits, reads, take, accept } = dialogue()
      reads('2', upsert('a', 'Second'), seesBelow(200), 300)
      accept(take())
      commits(commit, ['1', upsert('a', 'First')])
      expect(short(take())).toEqual(['upsert a First'])
    }
  })

  test('is given away by a later change that the read does not contain, once the changed row is read', () => {
    const { commits, reads, take, accept, pending } = dialogue()
    reads('2', upsert('a', 'Second'), seesBelow(200), 300)
    accept(take())
    commits(250, ['1', upsert('a', 'First')])
    expect([take(), pending.toRead(10)]).toEqual([[], [key('1')]])
    reads('1', upsert('a', 'First'), seesBelow(400), 400)
    expect(short(take())).toEqual(['upsert a First'])
  })
})
