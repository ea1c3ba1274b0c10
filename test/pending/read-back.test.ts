import { describe, expect, test } from 'vitest'
import { dialogue, short } from './dialogue.ts'
import { at, code, delivered, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

/** A row whose first request was never answered, and whose second one was accepted. */
function accepted(setting: Parameters<typeof dialogue>[0] = {}) {
  const told = dialogue({ readsBack: true, ...setting })
  told.commits(110, ['1', upsert('a', 'New')])
  for (const delivery of told.take()) told.pending.lost(delivery)
  const [delivery] = told.take()
  if (!delivery) throw new Error('nothing was sent again')
  told.accept([delivery])
  return { ...told, delivery }
}

describe('a patient that an older request may overtake', () => {
  test('is settled when it is accepted, and believed when it is read back', () => {
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
    'is ended again if the end of its former code was overtaken, though it was sent with another since: %s',
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
      expect(short(take())).toEqual(['retire a FromApi no plan'])
    },
  )

  test('is ended again if the end of its former code was overtaken, though it is being sent with its present one', () => {
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
    expect(short(take())).toEqual(['retire a FromApi no plan'])
  })

  test('is read from the table and sent once more if the API has something else', () => {
    const { pending, delivery, reads, take, record } = accepted()
    record()
    pending.overtaken(delivery)
    expect(pending.toRead(9)).toEqual([key('1')])
    reads('1', upsert('a', 'New'), seesBelow(500))
    expect(short(take())).toEqual(['upsert a New'])
  })

  test('that is gone by then is ended once more', () => {
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

  test('is not sent over something newer, nor believed in its place', () => {
    const { pending, delivery, commits, take, accept, record } = accepted()
    commits(120, ['1', upsert('a', 'Newer')])
    const newer = take()
    pending.overtaken(delivery)
    expect(pending.toRead(9)).toEqual([])
    accept(newer)
    pending.confirmed(delivery)
    expect(record().map(({ fingerprint }) => fingerprint)).toEqual([null])
  })

  test('is forgotten once another row has its code', () => {
    const { pending, delivery, commits, take, accept, record } = accepted()
    record()
    commits(120, ['1', removed()], ['2', upsert('a', 'Other')])
    accept(take())
    record()
    pending.overtaken(delivery)
    expect(pending.toRead(9)).toEqual([])
  })
})

test('what may have been applied, and was kept to be sent again, is read back, though the next try did not leave', () => {
  const { pending, commits, take, accept, record } = dialogue({ readsBack: true })
  commits(110, ['1', upsert('a', 'New')])
  for (const delivery of take()) {
    pending.doubted(delivery)
    pending.returned(delivery)
  }
  accept(take())
  expect(record()).toMatchObject([{ fingerprint: null }])
})

test('what an earlier run noted and never saw answered is read back', () => {
  const state = [{ ...delivered('1', patient('a')), fingerprint: null }]
  const { commits, take, accept, record } = dialogue({ readsBack: true, horizon: position(110), state })
  commits(110, ['1', upsert('a', 'New')])
  accept(take())
  expect(record()).toMatchObject([{ fingerprint: null }])
})

describe('what was read back is not believed', () => {
  const letter = { reason: 'refused by the API', attributes: [], status: 422 } as const

  test('of a row that is being sent again, or was and was not answered', () => {
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

  test('of a row that was rejected, or is gone', () => {
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

test('a row whose doubt has ended is believed at its next acceptance', () => {
  const { pending, delivery, commits, take, accept, record } = accepted()
  pending.confirmed(delivery)
  commits(120, ['1', upsert('a', 'Newer')])
  accept(take())
  expect(record()).toMatchObject([{ fingerprint: JSON.stringify(patient('a', 'Newer')) }])
})

describe('what is accepted in doubt and cannot be read back', () => {
  const owed = { reason: 'confirm', nextCode: 'a', delayMs: 60_000 }

  /** It was accepted, after a request that was never answered, when there was no room to read it back. */
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

  test('is in doubt still when a newer version is accepted, whether memory has forgotten the row or not', () => {
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

  test('of a code that ended is no end yet: the code is looked at again', () => {
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

test('a version that waits is not replaced by a reading of what was overtaken', () => {
  const { pending, delivery, commits, take } = accepted()
  commits(120, ['1', upsert('a', 'Newer')])
  pending.overtaken(delivery)
  expect([pending.toRead(9), short(take())]).toEqual([[], ['upsert a Newer']])
})

describe('a row that waits for two codes to be read back', () => {
  /** It had code a, whose end is in doubt, and has b, of which that is so as well. */
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

  test('is believed once its present one was seen, whichever is seen first', () => {
    const { pending, end, present, record } = ofBoth()
    pending.confirmed(end)
    pending.confirmed(present)
    expect(record()).toMatchObject([{ code: 'b', fingerprint: JSON.stringify(patient('b')) }])
  })

  test('waits for its own alone once another row has the other', () => {
    const { pending, present, commits, take, accept, record } = ofBoth()
    commits(120, ['2', upsert('a', 'Other')])
    accept(take())
    record()
    pending.confirmed(present)
    expect(record()).toMatchObject([{ key: key('1'), fingerprint: JSON.stringify(patient('b')) }])
  })
})

test('an answer of long ago, for a row that nobody knows any more, changes nothing', () => {
  const { pending, delivery, record } = accepted()
  record()
  const unknown = { ...delivery, key: key('2') }
  pending.confirmed(unknown)
  pending.overtaken(unknown)
  pending.doubted(unknown)
  expect([record(), pending.toRead(9)]).toEqual([[], []])
})
