import { describe, expect, test } from 'vitest'
import { TakenCodes } from '../../src/pending/taken-codes.ts'
import { dialogue, short, unsubscribing } from './dialogue.ts'
import { code, delivered, incomplete, key, patient, removed, seesBelow, upsert } from './rows.ts'

/** Two rows with the code `x`, of which mediQuo has the patient of the second. */
const ana = delivered('1', patient('x', 'Ana'))
const eva = delivered('2', patient('x', 'Eva'))
const owed = { reason: 'content', nextCode: null } as const

describe('rule 12a: the write that takes a code from a row', () => {
  test.each([
    ['the row moved to another code', 'ignore', upsert('y', 'Eva')],
    ['the row was deleted', 'ignore', removed()],
    ['the row is rejected', 'ignore', { kind: 'invalid', code: code('y'), invalid: [] }],
  ] as const)(
    'makes the other rows with the code owed, though memory does not know them: %s',
    (_, onDelete, change) => {
      const { commits, take, record, stored } = dialogue({ onDelete, state: [ana, eva] })
      commits(110, ['2', change])
      take()
      record()
      expect(stored.get(key('1'))).toMatchObject({ code: 'x', fingerprint: null, owed })
    },
  )

  test('makes rows owed that name the code as a former one', () => {
    const former = delivered('1', patient('z'), { formerCodes: [code('x')] })
    const { commits, take, record, stored } = dialogue({ state: [former, eva] })
    commits(110, ['2', upsert('y', 'Eva')])
    take()
    record()
    expect(stored.get(key('1'))).toMatchObject({ fingerprint: null, owed })
  })

  test('leaves tombstones alone, and rows with other codes', () => {
    const others = [delivered('1', patient('x'), { removed: true }), delivered('3', patient('z'))]
    const { commits, take, record, stored } = dialogue({ state: [...others, eva] })
    commits(110, ['2', upsert('y', 'Eva')])
    take()
    record()
    expect([stored.get(key('1')), stored.get(key('3'))]).toEqual(others)
  })

  test('contains rows that memory knows and of which nothing waits', () => {
    const { reads, commits, take, record, pending, listed } = dialogue({ state: [ana, eva] })
    // A mark of a read keeps the row in memory.
    reads('1', upsert('x', 'Ana'), seesBelow(100), 10_000)
    reads('2', upsert('y', 'Eva'), seesBelow(100), 10_000)
    take()
    expect(listed.count).toBe(1)
    expect(pending.toRecord().find((row) => row.key === key('1'))).toMatchObject({ fingerprint: null, owed })
    record()
    commits(120, ['1', upsert('x', 'Ana')])
    expect(pending.toRead(9)).toEqual([key('1')])
  })

  test('makes a row owed that is settled in the same write with what mediQuo had', () => {
    const { commits, take, record, stored } = dialogue({ state: [ana, eva] })
    commits(110, ['1', upsert('x', 'Ana')])
    commits(120, ['2', upsert('y', 'Eva')])
    take()
    record()
    expect(stored.get(key('1'))).toMatchObject({ fingerprint: null, owed })
  })

  test('makes a row owed whose record was asked for before, and is answered before the write is stored', () => {
    const { commits, take, record, pending, stored } = dialogue({ state: [ana, eva] })
    const [asked] = pending.expect([key('1')])
    commits(110, ['2', upsert('y', 'Eva')])
    take()
    if (asked) pending.lookedUp(asked, ana)
    commits(120, ['1', upsert('x', 'Ana')])
    expect(short(take())).toEqual(['upsert x Ana'])
    record()
    expect(stored.get(key('1'))).toMatchObject({ fingerprint: null, owed: { reason: 'confirm' } })
  })

  test('makes a row owed whose record was asked for before, and is answered after the write was stored', () => {
    const { commits, take, record, pending, listed } = dialogue({ state: [ana, eva] })
    const [asked] = pending.expect([key('1')])
    commits(110, ['2', upsert('y', 'Eva')])
    take()
    record()
    if (asked) pending.lookedUp(asked, ana)
    expect(listed.count).toBe(1)
    commits(120, ['1', upsert('x', 'Ana')])
    expect(short(take())).toEqual(['upsert x Ana'])
  })

  test('is repeated with its codes if it failed', () => {
    const { commits, take, pending } = dialogue({ state: [ana, eva] })
    commits(110, ['2', upsert('y', 'Eva')])
    take()
    expect([pending.takenCodes(), pending.takenCodes()]).toMatchObject([{ codes: ['x'] }, { codes: ['x'] }])
    pending.recorded(pending.toRecord())
    expect(pending.takenCodes().codes).toEqual([])
  })

  test('contains the row to which the code is left', () => {
    const { commits, resolve, record, stored } = unsubscribing(['1', 'x'], ['2', 'x'])
    commits(110, ['2', upsert('y', 'Eva')])
    resolve(() => null)
    record()
    expect(stored.get(key('2'))).toMatchObject({ code: null, removed: true })
    expect(stored.get(key('1'))).toMatchObject({ code: 'x', fingerprint: null, owed })
  })

  test('takes nothing from a row that keeps the code', () => {
    const { commits, take, accept, record, pending } = dialogue({ state: [ana, eva] })
    commits(110, ['2', upsert('x', 'Eva Maria')])
    accept(take())
    expect(pending.takenCodes().codes).toEqual([])
    record()
  })
})

describe('a row that is owed because another row gave up its code', () => {
  /** Row 1 is owed and read: its version waits. */
  function read() {
    const told = dialogue({ state: [ana, eva] })
    told.commits(110, ['2', upsert('y', 'Eva')])
    told.accept(told.take())
    told.record()
    told.reads('1', upsert('x', 'Ana'), seesBelow(500), 120)
    return told
  }

  test('is sent again with the content that it had, and is owed no longer once that is accepted', () => {
    const { take, accept, record, stored } = read()
    const again = take()
    expect(short(again)).toEqual(['upsert x Ana'])
    record()
    expect(stored.get(key('1'))?.owed).toMatchObject({ reason: 'confirm' })
    accept(again)
    record()
    expect(stored.get(key('1'))).toEqual({ ...ana, position: ana.position })
  })

  test('is not settled by a version that was in flight when the code was given up', () => {
    const { commits, take, accept, record, stored, listed, reads } = dialogue({ state: [ana, eva] })
    commits(110, ['1', upsert('x', 'Ana Maria')])
    const earlier = take()
    commits(120, ['2', removed()])
    accept(earlier)
    record()
    expect(stored.get(key('1'))).toMatchObject({ fingerprint: null, owed })
    expect(listed.count).toBe(2)
    reads('1', upsert('x', 'Ana Maria'), seesBelow(500), 130)
    expect(short(take())).toEqual(['upsert x Ana Maria'])
  })

  test('is settled by a version that waited when the code was given up', () => {
    const { commits, reads, take, accept, record, stored } = dialogue({ state: [ana, eva] })
    commits(110, ['1', incomplete('x')])
    commits(120, ['2', removed()])
    record()
    expect(stored.get(key('1'))).toMatchObject({ fingerprint: null, owed })
    reads('1', upsert('x', 'Ana'), seesBelow(500), 130)
    const again = take()
    expect(short(again)).toEqual(['upsert x Ana'])
    accept(again)
    record()
    expect(stored.get(key('1'))).toMatchObject({ fingerprint: JSON.stringify(patient('x', 'Ana')), owed: null })
  })

  test('is not believed by a read-back of what was accepted before', () => {
    const { commits, take, accept, record, stored, pending } = dialogue({
      readsBack: true,
      isRepeated: true,
      state: [ana, eva],
    })
    commits(110, ['1', upsert('x', 'Ana Maria')])
    const [accepted] = take()
    if (!accepted) throw new Error('nothing was sent')
    accept([accepted])
    commits(120, ['2', removed()])
    pending.confirmed(accepted)
    record()
    expect(stored.get(key('1'))).toMatchObject({ fingerprint: null, owed })
  })

  test('keeps the reason and the due time that it was owed with before', () => {
    const confirm = { reason: 'confirm', nextCode: null, delayMs: 60_000 } as const
    const doubtful = { ...ana, fingerprint: null, owed: confirm }
    const { commits, take, record, stored } = dialogue({ state: [doubtful, eva] })
    commits(110, ['2', upsert('y', 'Eva')])
    take()
    record()
    expect(stored.get(key('1'))?.owed?.reason).toBe('confirm')
  })
})

test('codes are named until a write is stored, and again if they were taken since it was composed', () => {
  const codes = new TakenCodes()
  const x = code('x')
  codes.add(x, { isInDoubt: false, isAccepted: true })
  expect([codes.has(x), codes.toRecord().codes, codes.has(x)]).toEqual([true, [x], true])
  codes.add(x, { isInDoubt: false, isAccepted: true })
  codes.recorded()
  expect([codes.has(x), codes.toRecord().codes]).toEqual([true, [x]])
  codes.recorded()
  expect([codes.has(x), codes.toRecord().codes]).toEqual([false, []])
})

test('two rejected rows with one code make each other owed once', () => {
  const told = dialogue({ state: [ana, eva] })
  const rejected = { kind: 'invalid', code: code('x'), invalid: [] } as const
  told.commits(110, ['1', rejected])
  told.record()
  told.commits(120, ['2', rejected])
  told.record()
  expect(told.stored.get(key('1'))?.owed).not.toBeNull()
  told.reads('1', rejected, seesBelow(200), 200)
  told.record()
  expect([told.stored.get(key('1'))?.owed, told.stored.get(key('2'))?.owed]).toEqual([null, null])
})

test('codes of which a request may still be applied are named as such until a write is stored that says so', () => {
  const codes = new TakenCodes()
  const x = code('x')
  codes.add(x, { isInDoubt: true, isAccepted: false })
  expect([codes.isInDoubt(x), codes.toRecord().inDoubt]).toEqual([true, [x]])
  codes.add(x, { isInDoubt: false, isAccepted: true })
  codes.recorded()
  expect([codes.isInDoubt(x), codes.toRecord().inDoubt]).toEqual([true, [x]])
  codes.recorded()
  expect([codes.isInDoubt(x), codes.toRecord().inDoubt]).toEqual([false, []])
})

describe('a code that a row gives up while a request of it has no answer', () => {
  test('makes the row that has it by the store owed to be confirmed: the request may be applied after its acceptance', () => {
    const state = [delivered('0', patient('x')), delivered('1', patient('x', 'Eva'))]
    const { pending, stored, ...told } = dialogue({ onDelete: 'unsubscribe', readsBack: true, state })
    told.commits(110, ['1', upsert('x', 'Eve')])
    for (const delivery of told.take()) pending.lost(delivery)
    told.commits(120, ['1', removed()])
    for (const one of pending.toResolve(10)) pending.resolved(one.key, { kind: 'left', code: one.code })
    told.record()
    expect(stored.get(key('0'))).toMatchObject({ fingerprint: null, owed: { reason: 'confirm' } })
  })

  test('leaves the row that waits with it in doubt, also if memory drops it', () => {
    const { pending, stored, ...told } = dialogue({ onDelete: 'unsubscribe', readsBack: true })
    told.commits(110, ['1', upsert('x', 'Eva')])
    for (const delivery of told.take()) pending.lost(delivery)
    told.commits(120, ['1', removed()], ['0', upsert('x')])
    for (const one of pending.toResolve(10)) pending.resolved(one.key, { kind: 'left', code: one.code })
    pending.oweSendable(key('0'), 0)
    told.record()
    expect(stored.get(key('0'))?.owed).toMatchObject({ reason: 'confirm' })
  })
})
