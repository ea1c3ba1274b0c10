import { describe, expect, test } from 'vitest'
import type { Delivery } from '../../src/pending/entry/version.ts'
import { dialogue, found, short, unsubscribing } from './dialogue.ts'
import { at, code, delivered, fingerprint, key, patient, removed, seesBelow, upsert } from './rows.ts'

const letter = { reason: 'refused by the API', attributes: [], status: 422 } as const
const ofA = { ...letter, formerCode: code('a') }
const bad = { kind: 'invalid', code: code('b'), invalid: [{ attribute: 'first_name', reason: 'missing' }] } as const

type Dialogue = ReturnType<typeof dialogue>

/** Lets the API refuse the code that a row is to unsubscribe. @returns the refused deliveries. */
function refuse({ resolve, take, pending }: Dialogue): string[] {
  resolve(found)
  const deliveries = take()
  for (const delivery of deliveries) pending.refused(delivery, letter)
  return short(deliveries)
}

/** A row whose code was `a` and is `b`, where the API refuses to unsubscribe `a`. */
function moved(): Dialogue & { readonly sent: readonly Delivery[] } {
  const told = unsubscribing(['1', 'a'])
  told.commits(110, ['1', upsert('b')])
  expect(refuse(told)).toEqual(['unsubscribe code a FromApi no plan'])
  return { ...told, sent: told.take() }
}

describe('a code that the API refuses to unsubscribe', () => {
  test('is a dead letter of its own: the version of its row is sent, and settled only then', () => {
    const { sent, accept, record, progress } = moved()
    expect(short(sent)).toEqual(['upsert b Jane'])
    expect(record()).toMatchObject([{ code: 'b', fingerprint: null, formerCodes: ['a'], deadLetter: ofA }])
    expect(progress.settledLsn).toBeLessThan(at(111))
    accept(sent)
    const fingerprintOfB = fingerprint(patient('b'))
    expect(record()).toMatchObject([{ code: 'b', fingerprint: fingerprintOfB, formerCodes: ['a'], deadLetter: 'kept' }])
    expect(progress.settledLsn).toBe(at(111))
  })

  test('counts as one rejection, and the row as delivered', () => {
    const { sent, accept, settled } = moved()
    accept(sent)
    expect(settled).toEqual(['end refused', 'delivered'])
  })

  test('is tried again with the next version, and the dead letter ends when the API accepts it', () => {
    const { sent, accept, record, commits, resolve, take } = moved()
    accept(sent)
    record()
    commits(120, ['1', upsert('b', 'Eva')])
    resolve(found)
    const again = take()
    expect(short(again)).toEqual(['unsubscribe code a FromApi no plan'])
    accept(again)
    const upserted = take()
    expect(short(upserted)).toEqual(['upsert b Eva'])
    accept(upserted)
    expect(record()).toMatchObject([{ code: 'b', formerCodes: [], deadLetter: null }])
  })

  test('is tried again though its row is read as it was', () => {
    const { sent, accept, record, reads, resolve, take } = moved()
    accept(sent)
    record()
    reads('1', upsert('b'), seesBelow(999), 105)
    resolve(found)
    expect(short(take())).toEqual(['unsubscribe code a FromApi no plan'])
  })

  test('is refused once for a version that arrived while it was in flight', () => {
    const { commits, resolve, take, pending } = unsubscribing(['1', 'a'])
    commits(110, ['1', upsert('b')])
    resolve(found)
    const [unsubscription] = take()
    commits(120, ['1', upsert('c')])
    if (unsubscription) pending.refused(unsubscription, letter)
    // The code of the version that was replaced was never sent.
    resolve(() => null)
    expect(short(take())).toEqual(['upsert c Jane'])
  })

  test('stays a code of the row when its own version is invalid, or refused as well', () => {
    const invalid = moved()
    invalid.accept(invalid.sent)
    invalid.record()
    invalid.commits(120, ['1', bad])
    expect(refuse(invalid)).toEqual(['unsubscribe code a FromApi no plan'])
    expect(invalid.record()).toMatchObject([{ code: 'b', formerCodes: ['a'], deadLetter: { reason: 'invalid' } }])

    const refused = moved()
    for (const delivery of refused.sent) refused.pending.refused(delivery, letter)
    const [row] = refused.record()
    expect(row).toMatchObject({ code: 'b', fingerprint: null, formerCodes: ['a'] })
    expect(row?.deadLetter).toEqual(letter)
  })

  test('does not keep its row from being deleted, and stays known', () => {
    const told = moved()
    told.accept(told.sent)
    told.record()
    told.commits(120, ['1', removed('b')])
    expect(refuse(told)).toEqual(['unsubscribe code a FromApi no plan'])
    told.resolve(found)
    const ending = told.take()
    expect(short(ending)).toEqual(['remove b FromApi no plan'])
    told.accept(ending)
    expect(told.record()).toMatchObject([{ code: 'b', removed: true, formerCodes: ['a'], deadLetter: ofA }])
  })

  test('is unsubscribed by another row that has it afterwards and is deleted', () => {
    const { sent, accept, record, commits, resolve, take } = moved()
    accept(sent)
    record()
    commits(120, ['2', upsert('a')])
    accept(take())
    record()
    commits(130, ['2', removed('a')])
    resolve(found)
    expect(short(take())).toEqual(['remove a FromApi no plan'])
  })

  test('does not keep the version of its row from being confirmed when it is read back', () => {
    const told = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a'))], readsBack: true })
    told.commits(110, ['1', upsert('b')])
    refuse(told)
    for (const delivery of told.take()) told.pending.lost(delivery)
    const again = told.take()
    expect(short(again)).toEqual(['upsert b Jane'])
    told.accept(again)
    told.record()
    for (const delivery of again) told.pending.confirmed(delivery)
    expect(told.record()).toMatchObject([{ fingerprint: fingerprint(patient('b')), owed: null, formerCodes: ['a'] }])
  })

  test('is not taken for a rejected row: a request of an earlier run that was not answered is in doubt', () => {
    const row = delivered('1', patient('b'), { fingerprint: null, formerCodes: [code('a')], deadLetter: ofA })
    const told = dialogue({ onDelete: 'unsubscribe', state: [row], isEarlierRunOver: false })
    told.commits(110, ['1', upsert('b', 'Eva')])
    expect(refuse(told)).toEqual(['unsubscribe code a FromApi no plan'])
    told.accept(told.take())
    expect(told.record()).toMatchObject([{ key: key('1'), owed: { reason: 'confirm' }, formerCodes: ['a'] }])
  })
})
