import { describe, expect, test } from 'vitest'
import { dialogue, found, short, unsubscribing } from './dialogue.ts'
import { at, code, delivered, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

/** Accepts a row whose first request was never answered: the second request is accepted. */
function accepted(setting: Parameters<typeof dialogue>[0] = {}) {
  const told = dialogue({ readsBack: true, ...setting })
  told.commits(110, ['1', upsert('a', 'New')])
  for (const delivery of told.take()) told.pending.lost(delivery)
  const [delivery] = told.take()
  if (!delivery) throw new Error('nothing was sent again')
  told.accept([delivery])
  return { ...told, delivery }
}

describe('a patient that an older request may overwrite', () => {
  test('is settled when it is accepted, and stored as delivered when it is read back', () => {
    const { progress, record, pending, delivery, commits, take } = accepted()
    expect(progress.settledLsn).toBe(progress.receivedLsn)
    expect(record()).toMatchObject([{ key: key('1'), fingerprint: null }])
    pending.confirmed(delivery)
    expect(record()).toMatchObject([{ key: key('1'), fingerprint: JSON.stringify(patient('a', 'New')) }])
    commits(120, ['1', upsert('a', 'New')])
    expect(take()).toEqual([])
  })

  test.each([
    ['its code changed', [upsert('b')]],
    ['it was deleted, and is there again with another code', [removed(), upsert('b')]],
  ])(
    'unsubscribes its former code again if that removal was overwritten, though another code was sent since: %s',
    (_, changes) => {
      const { pending, take, resolve, commits, accept, record, reads } = dialogue({
        readsBack: true,
        onDelete: 'unsubscribe',
        state: [delivered('1', patient('a'))],
      })
      const [first, ...rest] = changes
      if (first) commits(110, ['1', first])
      resolve((of) => patient(of))
      for (const delivery of take()) pending.lost(delivery)
      const [end] = take()
      if (!end) throw new Error('the end was not sent again')
      accept([end])
      for (const change of rest) commits(120, ['1', change])
      accept(take())
      record()
      pending.overtaken(end)
      expect(pending.toRead(9)).toEqual([key('1')])
      reads('1', upsert('b'), seesBelow(500), 130)
      commits(300)
      resolve((of) => patient(of, 'FromApi'))
      expect(short(take())).toEqual(['unsubscribe code a FromApi no plan'])
    },
  )

  test('unsubscribes its former code again if that removal was overwritten, though its present code is in flight', () => {
    const { pending, take, resolve, commits, accept, reads } = dialogue({
      readsBack: true,
      onDelete: 'unsubscribe',
      state: [delivered('1', patient('a'))],
    })
    commits(110, ['1', upsert('b')])
    resolve((of) => patient(of))
    for (const delivery of take()) pending.lost(delivery)
    const [end] = take()
    if (!end) throw new Error('the end was not sent again')
    accept([end])
    const present = take()
    pending.overtaken(end)
    accept(present)
    reads('1', upsert('b'), seesBelow(500), 130)
    commits(300)
    resolve((of) => patient(of, 'FromApi'))
    expect(short(take())).toEqual(['unsubscribe code a FromApi no plan'])
  })

  test('is read from the table and sent again if the API has another patient', () => {
    const { pending, delivery, reads, take, record } = accepted()
    record()
    pending.overtaken(delivery)
    expect(pending.toRead(9)).toEqual([key('1')])
    reads('1', upsert('a', 'New'), seesBelow(500))
    expect(short(take())).toEqual(['upsert a New'])
  })

  test('is unsubscribed again if the row is gone by then', () => {
    const state = [delivered('1', patient('a'))]
    const told = dialogue({ readsBack: true, onDelete: 'unsubscribe', state })
    told.commits(110, ['1', removed()])
    told.resolve((of) => patient(of))
    for (const delivery of told.take()) told.pending.lost(delivery)
    told.resolve((of) => patient(of))
    const [delivery] = told.take()
    if (!delivery) throw new Error('nothing was sent again')
    told.accept([delivery])
    told.record()
    told.pending.overtaken(delivery)
    told.reads('1', removed(), seesBelow(500), 200)
    told.commits(300)
    told.resolve((of) => patient(of))
    expect(short(told.take())).toEqual(['remove a Jane no plan'])
  })

  test('is not sent over a newer version, nor confirmed in place of it', () => {
    const { pending, delivery, commits, take, accept, record } = accepted()
    commits(120, ['1', upsert('a', 'Newer')])
    const newer = take()
    pending.overtaken(delivery)
    expect(pending.toRead(9)).toEqual([])
    accept(newer)
    pending.confirmed(delivery)
    expect(record().map(({ fingerprint }) => fingerprint)).toEqual([null])
  })

  test('stays owed if a newer version was noted as owed since: only that one is missing', () => {
    const { pending, delivery, commits, record, reads } = accepted({ maxRows: 1 })
    record()
    commits(120, ['1', upsert('a', 'Newer')])
    expect(pending.oweSendable(key('1'), 0)).toBe(true)
    expect(record()).toMatchObject([{ owed: { reason: 'confirm' }, position: position(120) }])
    reads('1', upsert('a', 'Newer'), seesBelow(500), 500)
    pending.confirmed(delivery)
    expect(record()).toEqual([])
  })

  test('is discarded once another row has its code', () => {
    const { pending, delivery, commits, take, accept, record } = accepted()
    record()
    commits(120, ['1', removed()], ['2', upsert('a', 'Other')])
    accept(take())
    record()
    pending.overtaken(delivery)
    expect(pending.toRead(9)).toEqual([])
  })
})

test('a version that was possibly applied and is sent again is read back, though its next attempt did not leave', () => {
  const { pending, commits, take, accept, record } = dialogue({ readsBack: true })
  commits(110, ['1', upsert('a', 'New')])
  for (const delivery of take()) {
    pending.doubted(delivery)
    pending.returned(delivery)
  }
  accept(take())
  expect(record()).toMatchObject([{ fingerprint: null }])
})

describe('a row record without a fingerprint, which may be the intent of an earlier process', () => {
  const letter = { reason: 'refused by the API', attributes: [], status: 422 } as const
  const owed = (reason: 'content' | 'end' | 'confirm' | 'confirm end') => ({ reason, nextCode: null, delayMs: 0 })

  test.each([
    ['an intent', {}],
    ['an intent of a row that was owed', { owed: owed('confirm') }],
    ['an intent of a row that was owed for a former code', { owed: owed('confirm end') }],
    ['a dead letter whose row was sent before', { deadLetter: letter }],
    ['a tombstone whose row was sent before', { removed: true }],
  ])('is in doubt, whatever H is, so that the next acceptance is read back: %s', (_, changes) => {
    const state = [delivered('1', patient('a'), { fingerprint: null, ...changes })]
    const { commits, take, accept, record } = dialogue({ readsBack: true, isEarlierRunOver: false, state })
    commits(110, ['1', upsert('a', 'New')])
    accept(take())
    expect(record()).toMatchObject([{ fingerprint: null, owed: { reason: 'confirm' } }])
  })

  test('is believed once no request of an earlier process can be applied any more', () => {
    const state = [delivered('1', patient('a'), { fingerprint: null })]
    const { commits, take, accept, record } = dialogue({ readsBack: true, state })
    commits(110, ['1', upsert('a', 'New')])
    accept(take())
    expect(record()).toMatchObject([{ fingerprint: JSON.stringify(patient('a', 'New')), owed: null }])
  })

  test.each([
    ['its answer was stored', {}],
    ['it was owed without a request', { fingerprint: null, owed: owed('content') }],
    ['it was owed for a former code without a request', { fingerprint: null, owed: owed('end') }],
  ])('does not put a row in doubt that has no request without an answer: %s', (_, changes) => {
    const state = [delivered('1', patient('a'), changes)]
    const { commits, take, accept, record } = dialogue({ readsBack: true, isEarlierRunOver: false, state })
    commits(110, ['1', upsert('a', 'New')])
    accept(take())
    expect(record()).toMatchObject([{ fingerprint: JSON.stringify(patient('a', 'New')), owed: null }])
  })
})

test('a row of which the API has something else is owed durably until it is sent again', () => {
  const { commits, take, accept, record, pending } = dialogue({ readsBack: true, isRepeated: true })
  commits(110, ['1', upsert('a', 'New')])
  const [delivery] = take()
  if (!delivery) throw new Error('nothing was sent')
  accept([delivery])
  expect(record()).toMatchObject([{ fingerprint: JSON.stringify(patient('a', 'New')), owed: null }])
  pending.overtaken(delivery)
  expect(record()).toMatchObject([{ fingerprint: null, owed: { reason: 'content' } }])
})

describe('the result of reading back is ignored', () => {
  const letter = { reason: 'refused by the API', attributes: [], status: 422 } as const

  test('for a row that is being sent again, or whose newer request was not answered', () => {
    const { pending, delivery, commits, take, record } = accepted()
    commits(120, ['1', upsert('a', 'Newer')])
    const newer = take()
    pending.confirmed(delivery)
    expect(record()).toMatchObject([{ fingerprint: null }])
    for (const one of newer) pending.lost(one)
    expect(record()).toEqual([])

    const again = accepted()
    again.commits(120, ['1', upsert('a', 'Newer')])
    for (const one of again.take()) again.pending.lost(one)
    again.pending.confirmed(again.delivery)
    expect(again.record()).toMatchObject([{ fingerprint: null }])
  })

  test('for a row that was rejected, or is gone', () => {
    const aside = accepted()
    aside.commits(120, ['1', upsert('a', 'Bad')])
    for (const one of aside.take()) aside.pending.refused(one, letter)
    aside.pending.confirmed(aside.delivery)
    expect(aside.record()).toMatchObject([{ fingerprint: null, deadLetter: letter }])

    const gone = accepted()
    gone.commits(120, ['1', removed()])
    gone.pending.confirmed(gone.delivery)
    expect(gone.record()).toMatchObject([{ fingerprint: null, removed: true }])
  })
})

test('the next acceptance of a row is stored as delivered once its doubt has ended', () => {
  const { pending, delivery, commits, take, accept, record } = accepted()
  pending.confirmed(delivery)
  commits(120, ['1', upsert('a', 'Newer')])
  accept(take())
  expect(record()).toMatchObject([{ fingerprint: JSON.stringify(patient('a', 'Newer')) }])
})

describe('a version that is accepted in doubt and cannot be read back', () => {
  const owed = { reason: 'confirm', nextCode: 'a', delayMs: 60_000 }

  /** Accepts a row after a request that was never answered, when there is no room to read it back. */
  function unread() {
    const told = dialogue({ readsBack: false })
    told.commits(110, ['1', upsert('a', 'New')])
    for (const delivery of told.take()) told.pending.lost(delivery)
    told.accept(told.take())
    return told
  }

  test('is owed, to be sent again once every older request was applied, and settles its debt', () => {
    const { record, progress, pending } = unread()
    expect(progress.settledLsn).toBe(at(111))
    expect(record()).toMatchObject([{ code: 'a', fingerprint: null, position: position(110), owed }])
    expect(pending.isInMemory(key('1'))).toBe(false)
  })

  test('stays in doubt when a newer version is accepted, with the row in memory or not', () => {
    for (const forgets of [false, true]) {
      const { commits, take, accept, record } = unread()
      if (forgets) record()
      commits(120, ['1', upsert('a', 'Newer')])
      accept(take())
      expect(record()).toMatchObject([{ fingerprint: null, position: position(120), owed }])
    }
  })

  test('is sent again by the read that comes for it', () => {
    const { record, reads, take } = unread()
    record()
    reads('1', upsert('a', 'New'), seesBelow(200))
    expect(short(take())).toEqual(['upsert a New'])
  })

  test('of an unsubscribed code does not end the code: the code is fetched again', () => {
    const told = dialogue({ readsBack: false, onDelete: 'unsubscribe', state: [delivered('1', patient('a'))] })
    told.commits(110, ['1', upsert('b')])
    told.resolve((of) => patient(of))
    for (const delivery of told.take()) told.pending.lost(delivery)
    told.accept(told.take())
    expect(told.take()).toEqual([])
    expect(told.pending.toResolve(9)).toMatchObject([{ key: key('1'), code: 'a' }])
    told.pending.resolved(key('1'), { kind: 'ended', code: code('a') })
    expect(short(told.take())).toEqual(['upsert b Jane'])
  })
})

test('a waiting version is not replaced by a read of an overwritten row', () => {
  const { pending, delivery, commits, take } = accepted()
  commits(120, ['1', upsert('a', 'Newer')])
  pending.overtaken(delivery)
  expect([pending.toRead(9), short(take())]).toEqual([[], ['upsert a Newer']])
})

describe('a row that waits for two codes to be read back', () => {
  /** Accepts a row that had code a, whose removal is in doubt, and has code b, also in doubt. */
  function ofBoth() {
    const state = [delivered('1', patient('a'))]
    const told = dialogue({ readsBack: true, onDelete: 'unsubscribe', state })
    const sendTwice = () => {
      for (const delivery of told.take()) told.pending.lost(delivery)
      told.resolve((of) => patient(of))
      const [delivery] = told.take()
      if (!delivery) throw new Error('nothing was sent again')
      told.accept([delivery])
      return delivery
    }
    told.commits(110, ['1', upsert('b')])
    told.resolve((of) => patient(of))
    const end = sendTwice()
    const present = sendTwice()
    told.record()
    return { ...told, end, present }
  }

  test('is confirmed once its present code was read back, in either order', () => {
    const { pending, end, present, record } = ofBoth()
    pending.confirmed(end)
    pending.confirmed(present)
    expect(record()).toMatchObject([{ code: 'b', fingerprint: JSON.stringify(patient('b')) }])
  })

  test('stays owed for the other code, which another row has by now, until it is read and leaves it to that row', () => {
    const { pending, present, commits, take, accept, record, stored } = ofBoth()
    commits(120, ['2', upsert('a', 'Other')])
    accept(take())
    record()
    pending.confirmed(present)
    expect(record()).toEqual([])
    expect(stored.get(key('1'))).toMatchObject({ formerCodes: ['a'], owed: expect.anything() })
  })
})

test('ignores a late result for a row that is no longer known', () => {
  const { pending, delivery, record } = accepted()
  record()
  const unknown = { ...delivery, key: key('2') }
  pending.confirmed(unknown)
  pending.overtaken(unknown)
  pending.doubted(unknown)
  expect([record(), pending.toRead(9)]).toEqual([[], []])
})

describe('another row’s request with the same code was lost, and may still be applied', () => {
  test('so that what is accepted of this row is not believed until the request is over', () => {
    const told = dialogue({ lost: ['a'], readsBack: false })
    told.commits(110, ['1', upsert('a')])
    told.accept(told.take())
    expect(told.record().at(-1)).toMatchObject({
      code: 'a',
      fingerprint: null,
      owed: { reason: 'confirm', nextCode: 'a' },
    })
  })
})

describe('a code that is left to a row while a request of the row is in flight', () => {
  test('is noted with the answer, and unsubscribed once the row is read again', () => {
    const told = unsubscribing(['2', 'b'], ['5', 'e'])
    // The read contains both transactions: the row is gone in the end.
    told.reads('2', removed(), seesBelow(300), 300)
    told.commits(110, ['2', removed()])
    told.resolve(found)
    const sent = told.take()
    told.commits(120, ['5', removed()], ['2', upsert('e')], ['2', removed()])
    told.resolve(found)
    told.accept(sent)
    expect(short(sent)).toEqual(['remove b FromApi no plan'])
    const owed = { reason: 'end', nextCode: null, delayMs: 0 }
    expect(told.record()).toContainEqual(
      expect.objectContaining({ key: key('2'), code: 'b', formerCodes: ['e'], owed }),
    )
    expect(told.pending.toRead(9)).toContain(key('2'))
    for (const name of ['2', '5']) told.reads(name, removed(), seesBelow(400), 400)
    told.pending.passed(at(400))
    const later: string[] = []
    for (let requests = 0; requests < 4; requests++) {
      told.resolve(found)
      const next = told.take()
      later.push(...short(next))
      told.accept(next)
    }
    expect(later.filter((one) => one.includes(' e '))).toHaveLength(1)
  })

  test('is noted with a refusal too', () => {
    const told = unsubscribing(['2', 'b'], ['5', 'e'])
    told.reads('2', upsert('b', 'Refused'), seesBelow(300), 300)
    const [sent] = told.take()
    if (!sent) throw new Error('nothing was sent')
    told.commits(120, ['5', removed()], ['2', upsert('e')], ['2', upsert('b', 'Refused')])
    told.pending.refused(sent, { reason: 'refused by the API', attributes: [], status: 422 })
    expect(told.record()).toContainEqual(
      expect.objectContaining({ key: key('2'), code: 'b', formerCodes: ['e'], owed: expect.anything() }),
    )
    expect(told.pending.toRead(9)).toContain(key('2'))
  })
})

describe('what is owed until a request without an answer is over', () => {
  test('stays owed for a removal that was accepted until its patient was looked up', () => {
    const setting = { isOver: false }
    const told = dialogue({
      ...{ onDelete: 'unsubscribe', readsBack: true },
      get isOver() {
        return setting.isOver
      },
    })
    told.commits(110, ['1', upsert('a')])
    for (const delivery of told.take()) told.pending.lost(delivery)
    told.commits(120, ['1', removed()])
    told.resolve(found)
    told.accept(told.take())
    told.record()
    expect(told.stored.get(key('1'))?.owed).toMatchObject({ reason: 'confirm' })
    setting.isOver = true
    told.reads('1', removed(), seesBelow(200), 200)
    told.record()
    expect(told.stored.get(key('1'))?.owed).not.toBeNull()
  })

  test('stays owed if another code of the row is still to be unsubscribed', () => {
    const told = dialogue({ onDelete: 'unsubscribe', readsBack: true })
    told.commits(110, ['1', upsert('a')])
    for (const delivery of told.take()) told.pending.lost(delivery)
    told.commits(120, ['1', upsert('b')])
    told.resolve(found)
    const [end] = told.take()
    if (!end) throw new Error('nothing was sent')
    told.accept([end])
    const [next] = told.take()
    if (!next) throw new Error('nothing was sent')
    told.pending.overtaken(end)
    told.accept([next])
    told.pending.confirmed(next)
    told.record()
    expect(told.stored.get(key('1'))).toMatchObject({ formerCodes: ['a'], owed: expect.anything() })
  })
})
