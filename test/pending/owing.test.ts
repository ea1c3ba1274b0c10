import { describe, expect, test } from 'vitest'
import type { Owed, OwedReason, StoredRow } from '../../src/model/progress/stored-row.ts'
import { xid } from '../../src/model/source/visibility.ts'
import type { Content } from '../../src/pending/entry/version.ts'
import { dialogue, found, short } from './dialogue.ts'
import { at, code, delivered, incomplete, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

const owedAs = (reason: OwedReason, next: string | null): Owed => ({
  reason,
  nextCode: next === null ? null : code(next),
  delayMs: 0,
})

/** Owes a row that the open transaction of position 110 changes, because memory is full. */
function owes(content: Content, stored: StoredRow | null = null, onDelete: 'ignore' | 'unsubscribe' = 'unsubscribe') {
  const told = dialogue({ onDelete, maxRows: 1, state: stored ? [stored] : [] })
  const transaction = told.begins(110)
  transaction.change('1', content)
  expect(told.pending.owe({ mayRead: true })).toBe(1)
  return { ...told, transaction }
}

describe('an owed row', () => {
  test('has the label of its newest change and no fingerprint, and its debt is settled', () => {
    const { transaction, record, progress, settled, pending } = owes(upsert('a', 'New'), delivered('1', patient('a')))
    transaction.commit()
    expect([settled, progress.settledLsn, pending.waiting.live]).toEqual([['owed'], at(111), 0])
    const label = { position: position(110), xid: xid(110n), fingerprint: null, removed: false }
    expect(record()).toEqual([delivered('1', patient('a'), { ...label, owed: owedAs('content', 'a') })])
  })

  test('is discarded from memory once its note is stored, not before', () => {
    const { transaction, record, pending } = owes(upsert('a'))
    transaction.commit()
    expect(pending.isInMemory(key('1'))).toBe(true)
    record()
    expect([pending.isInMemory(key('1')), pending.bytes]).toEqual([false, 0])
  })

  test.each<[string, Content, StoredRow | null, Partial<StoredRow>]>([
    ['a new one', upsert('a'), null, { code: null, formerCodes: [], owed: owedAs('content', 'a') }],
    ['one that has another', upsert('b'), delivered('1', patient('a')), { code: code('a'), owed: owedAs('end', 'b') }],
    ['one that is gone', removed(), delivered('1', patient('a')), { code: code('a'), owed: owedAs('end', null) }],
    [
      'one that is gone, and told another than the store has',
      removed('b'),
      delivered('1', patient('a')),
      { code: code('a'), formerCodes: [code('b')], owed: owedAs('end', null) },
    ],
    [
      'one that had ended',
      upsert('b'),
      delivered('1', patient('a'), { removed: true, fingerprint: null }),
      { code: code('a'), removed: true, formerCodes: [], owed: owedAs('content', 'b') },
    ],
    ['an incomplete one', incomplete('b'), delivered('1', patient('a')), { owed: owedAs('content', 'b') }],
  ])('keeps the codes that mediQuo may have of it, and the code that it will have: %s', (_, content, stored, row) => {
    const told = owes(content, stored)
    told.transaction.commit()
    expect(told.record()).toMatchObject([row])
  })

  test('keeps the codes that it had only in between', () => {
    const told = dialogue({ onDelete: 'unsubscribe', maxRows: 1, state: [delivered('1', patient('a'))] })
    const transaction = told.begins(110)
    for (const of of ['b', 'c']) transaction.change('1', upsert(of))
    told.pending.owe({ mayRead: true })
    transaction.commit()
    expect(told.record()).toMatchObject([{ code: 'a', formerCodes: ['b'], owed: owedAs('end', 'c') }])
  })

  test('keeps a code that was unsubscribed and that it had again in between', () => {
    const ended = delivered('1', patient('a'), { removed: true, fingerprint: null })
    const told = dialogue({ onDelete: 'unsubscribe', maxRows: 1, state: [ended] })
    const transaction = told.begins(110)
    for (const of of ['a', 'b']) transaction.change('1', upsert(of))
    told.pending.owe({ mayRead: true })
    transaction.commit()
    expect(told.record()).toMatchObject([{ removed: true, formerCodes: ['a'], owed: owedAs('end', 'b') }])
  })

  test('lists its next code once, though it is owed again', () => {
    const { transaction, record, pending } = owes(upsert('a'))
    transaction.change('1', upsert('a', 'Newer'))
    expect(pending.owe({ mayRead: true })).toBe(1)
    expect(record()).toMatchObject([{ formerCodes: [], owed: owedAs('content', 'a'), position: position(110, 2) }])
  })

  test('keeps its dead letter', () => {
    const deadLetter = { reason: 'too large', attributes: [], status: 413 } as const
    const { transaction, record } = owes(upsert('a', 'New'), delivered('1', patient('a'), { deadLetter }))
    transaction.commit()
    expect(record()).toMatchObject([{ deadLetter: 'kept' }])
  })

  test('stays owed when its change is streamed again', () => {
    const { transaction, record, stored } = owes(upsert('a', 'New'))
    transaction.commit()
    record()
    const again = dialogue({ state: [...stored.values()] })
    again.commits(110, ['1', upsert('a', 'New')])
    expect([again.take(), again.settled, again.record()]).toEqual([[], ['superseded'], []])
  })

  test('stays owed after a read that does not contain its change', () => {
    const { transaction, record, reads, take } = owes(upsert('a', 'New'))
    transaction.commit()
    record()
    expect(reads('1', upsert('a', 'Old'), seesBelow(110))).toBe(false)
    expect([take(), record()]).toEqual([[], []])
  })

  test('is no longer owed once a read of it is delivered', () => {
    const { transaction, record, reads, take, accept } = owes(upsert('a', 'New'))
    transaction.commit()
    record()
    reads('1', upsert('a', 'New'), seesBelow(111))
    accept(take())
    expect(record()).toMatchObject([{ code: 'a', fingerprint: JSON.stringify(patient('a', 'New')), owed: null }])
  })

  test('is no longer owed once a newer change of it is delivered', () => {
    const { transaction, record, commits, take, accept } = owes(upsert('a', 'New'))
    transaction.commit()
    record()
    commits(120, ['1', upsert('a', 'Newer')])
    expect(record()).toEqual([])
    accept(take())
    expect(record()).toMatchObject([{ position: position(120), owed: null }])
  })

  test.each([
    ['deleted', removed()],
    ['changed, and deleted before it was read', upsert('a', 'New')],
  ])('is unsubscribed if the read does not find it: %s', (_, content) => {
    const { transaction, record, reads, resolve, take, accept, pending } = owes(content, delivered('1', patient('a')))
    transaction.commit()
    record()
    expect(reads('1', removed(), seesBelow(200), 200)).toBe(true)
    pending.passed(at(200))
    resolve(found)
    const batch = take()
    expect(short(batch)).toEqual(['remove a FromApi no plan'])
    accept(batch)
    expect(record()).toMatchObject([{ removed: true, owed: null }])
  })

  test('is settled without a request if the read does not find it and mediQuo has nothing of it', () => {
    const { transaction, record, reads, take } = owes(upsert('a'), null, 'ignore')
    transaction.commit()
    record()
    reads('1', removed(), seesBelow(200))
    expect([take(), record()]).toMatchObject([[], [{ removed: true, owed: null }]])
  })
})

test('is no longer owed once a read does not find it, if it was removed before', () => {
  const ended = delivered('1', patient('a'), { removed: true, fingerprint: null })
  const { transaction, record, reads, take, resolve, pending } = owes(upsert('b'), ended)
  transaction.commit()
  record()
  reads('1', removed(), seesBelow(200), 200)
  pending.passed(at(200))
  resolve(() => null)
  expect([take(), record()]).toMatchObject([[], [{ removed: true, owed: null }]])
})

describe('owing rows to free memory', () => {
  test('stops at half of the rows, and starts with the oldest', () => {
    const { begins, pending, record } = dialogue({ maxRows: 4 })
    const transaction = begins(110)
    for (const name of ['1', '2', '3', '4']) transaction.change(name, upsert(`c${name}`))
    expect(pending.full).toBe(true)
    expect(pending.owe({ mayRead: true })).toBe(2)
    expect(record().map((row) => row.key)).toEqual([key('1'), key('2')])
    expect(pending.full).toBe(false)
  })

  test('stops at half of the bytes', () => {
    const { begins, pending } = dialogue({ maxBytes: 1_000 })
    const transaction = begins(110)
    for (const name of ['1', '2', '3', '4']) transaction.change(name, upsert(`c${name}`), 300)
    expect([pending.owe({ mayRead: true }), pending.bytes]).toEqual([3, 300])
  })

  test('includes rows to be read only if none may be read, and never rows that could be sent', () => {
    const { commits, pending, settled } = dialogue({ maxRows: 1 })
    commits(110, ['1', incomplete('a')], ['2', upsert('b')])
    expect(pending.owe({ mayRead: true })).toBe(0)
    expect(pending.owe({ mayRead: false })).toBe(1)
    expect([pending.toRead(9), pending.sendable.live, settled]).toEqual([[], 1, ['owed']])
  })

  test('leaves out rows with a version in flight, and does nothing during the hold', () => {
    const { begins, commits, take, pending } = dialogue({ maxRows: 1 })
    commits(110, ['1', upsert('a')])
    take()
    begins(120).change('1', upsert('a', 'Newer'))
    expect(pending.owe({ mayRead: false })).toBe(0)
    const held = dialogue({ maxRows: 1, horizon: position(200) })
    held.commits(110, ['1', incomplete('a')], ['2', upsert('b')])
    expect([held.pending.owe({ mayRead: false }), held.pending.oweUnsubscriptions()]).toEqual([0, 0])
  })
})

describe('codes to be unsubscribed', () => {
  /** Deletes this many rows, each with a code. */
  function gone(rows: number) {
    const names = Array.from({ length: rows }, (_, index) => `${index}`)
    const state = names.map((name) => delivered(name, patient(`c${name}`)))
    const told = dialogue({ onDelete: 'unsubscribe', maxUnsubscriptions: 4, state })
    told.commits(110, ...names.map((name) => [name, removed()] as const))
    return told
  }

  test('are owed once they exceed their bound by a quarter: the newest ones, down to the bound', () => {
    const few = gone(5)
    expect([few.pending.oweUnsubscriptions(), few.pending.unsubscriptions]).toEqual([0, 5])
    const many = gone(6)
    expect([many.pending.oweUnsubscriptions(), many.pending.unsubscriptions]).toEqual([2, 4])
    expect(many.record()).toMatchObject([
      { key: key('4'), code: 'c4', removed: false, owed: owedAs('end', null) },
      { key: key('5'), code: 'c5', removed: false, owed: owedAs('end', null) },
    ])
  })

  test('are not owed while their patient is being fetched', () => {
    const { pending } = gone(6)
    pending.toResolve(100)
    expect(pending.oweUnsubscriptions()).toBe(0)
  })

  test('are owed for a delay if they cannot be unsubscribed now', () => {
    const { pending, record } = gone(1)
    pending.toResolve(1)
    expect(pending.oweLater(key('0'), 60_000)).toBe(true)
    expect(record()).toMatchObject([{ owed: { reason: 'end', nextCode: null, delayMs: 60_000 } }])
    expect(pending.oweLater(key('0'), 60_000)).toBe(false)
  })

  test('no longer delay a row that is back by then', () => {
    const { pending, commits, take } = gone(1)
    pending.toResolve(1)
    commits(120, ['0', upsert('c0', 'Back')])
    expect(pending.oweLater(key('0'), 60_000)).toBe(false)
    expect(short(take())).toEqual(['upsert c0 Back'])
  })
})
