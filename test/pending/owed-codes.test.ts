import { describe, expect, test } from 'vitest'
import { isToConfirm } from '../../src/model/progress/stored-row.ts'
import type { Content } from '../../src/pending/entry/version.ts'
import { dialogue, found, short } from './dialogue.ts'
import { at, code, delivered, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

/**
 * Swaps the codes of two rows in one transaction, and owes the second row: only its note, and `mayOwnCode`, show that it will have the code of
 * the first row.
 */
function swapped() {
  const state = [delivered('1', patient('a')), delivered('2', patient('b'))]
  const told = dialogue({ onDelete: 'unsubscribe', maxRows: 1, state })
  const transaction = told.begins(110)
  transaction.change('2', upsert('a', 'Two'))
  told.pending.owe({ mayRead: true })
  transaction.change('1', upsert('b', 'One'))
  transaction.commit()
  told.record()
  return told
}

/** Sends until no version waits. */
function sendAll({ take, accept, resolve }: ReturnType<typeof dialogue>): string[] {
  const sent: string[] = []
  for (let batch = 0; batch < 10; batch++) {
    resolve(found)
    const deliveries = take()
    sent.push(...short(deliveries))
    accept(deliveries)
  }
  return sent
}

describe('a swap of codes with one owed row', () => {
  test('unsubscribes nobody', () => {
    const told = swapped()
    expect(told.pending.isInMemory(key('2'))).toBe(false)
    expect(sendAll(told)).toEqual(['upsert b One'])
    told.record()
    told.reads('2', upsert('a', 'Two'), seesBelow(200), 200)
    told.pending.passed(at(200))
    expect(sendAll(told)).toEqual(['upsert a Two'])
    expect(told.record()).toMatchObject([{ key: key('2'), code: 'a', removed: false, owed: null }])
  })

  test.each([
    ['left to it before it is read with a third', true],
    ['not left to it yet when a change brings a third', false],
  ])('unsubscribes the code that the owed row was to have and never had: %s', (_, isLeftFirst) => {
    const told = swapped()
    const sent = isLeftFirst ? sendAll(told) : []
    told.record()
    told.commits(120, ['2', upsert('c', 'Two')])
    sent.push(...sendAll(told))
    expect(sent.filter((one) => one.includes('unsubscribe code'))).toEqual(['unsubscribe code a FromApi no plan'])
    expect(sent).toContain('upsert c Two')
    expect(told.record()).toContainEqual(expect.objectContaining({ key: key('2'), code: 'c', owed: null }))
  })

  test('unsubscribes the code that the owed row was to have if the row is gone when it is read', () => {
    const told = swapped()
    const sent = sendAll(told)
    told.record()
    told.reads('2', removed(), seesBelow(200), 200)
    told.pending.passed(at(200))
    expect([...sent, ...sendAll(told)]).toEqual(['upsert b One', 'unsubscribe code a FromApi no plan'])
  })

  test('keeps the code for the owed row until that row has unsubscribed it, though the store still names it', () => {
    const told = swapped()
    const mayOwnCode = () => told.pending.mayOwnCode(code('a'), key('2'))
    told.commits(120, ['2', upsert('c', 'Two')])
    expect(mayOwnCode()).toBe(true)
    sendAll(told)
    expect([mayOwnCode(), told.stored.get(key('2'))?.owed?.nextCode]).toEqual([false, 'a'])
  })
})

describe('a deleted row with two former codes, one of which another deleted row leaves to it', () => {
  test('unsubscribes both codes, although its next step changes after the patient of one was found', () => {
    const owed = { reason: 'end', nextCode: null, delayMs: 0 } as const
    const taker = {
      ...delivered('taker', patient('x')),
      ...{ code: null, fingerprint: null, removed: true, owed },
      ...{ position: position(250), formerCodes: [code('b'), code('a')] },
    }
    const giver = { ...delivered('giver', patient('e')), formerCodes: [code('a')] }
    const told = dialogue({ onDelete: 'unsubscribe', state: [taker, giver] })
    told.reads('taker', removed(), seesBelow(200), 200)
    told.pending.passed(at(200))
    told.resolve(found)
    told.commits(210, ['giver', removed()])
    expect(() => told.resolve(found), 'each row waits for its next step').not.toThrow()
    const codes = sendAll(told).map((one) => /^(?:unsubscribe code|remove) (\S+)/.exec(one)?.[1])
    expect(new Set(codes)).toEqual(new Set(['a', 'b', 'e']))
    told.record()
    expect(told.pending.entries).toBe(0)
    expect([...told.stored.values()].filter((row) => row.owed)).toEqual([])
  })
})

test('a code that an owed row had is left to it: only the stream shows who has it since the row was read', () => {
  const owed = { reason: 'end', nextCode: code('f'), delayMs: 0 } as const
  const taker = {
    ...delivered('3', patient('f')),
    fingerprint: null,
    owed,
    position: position(90),
    formerCodes: [code('a')],
  }
  const told = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a')), taker] })
  told.commits(110, ['1', upsert('h')])
  expect(sendAll(told)).toEqual(['upsert h Jane'])
  told.record()
  told.reads('3', upsert('f'), seesBelow(200), 200)
  told.resolve(found)
  expect(told.take()).toEqual([])
  told.pending.passed(at(200))
  expect(sendAll(told)).toEqual(['unsubscribe code a FromApi no plan', 'upsert f Jane'])
  told.record()
  expect([...told.stored.values()].filter((row) => row.owed ?? row.formerCodes.length > 0)).toEqual([])
})

describe('a code whose removal was accepted while an older request could still be applied', () => {
  const owed = { reason: 'confirm', nextCode: null, delayMs: 0 } as const
  const state = [delivered('1', patient('a'), { fingerprint: null, removed: true, owed })]

  test.each([
    ['is sent with another code', upsert('b'), ['unsubscribe code a FromApi no plan', 'upsert b Jane']],
    [
      'is rejected with another code',
      { kind: 'invalid', code: code('b'), invalid: [] } as const,
      ['unsubscribe code a FromApi no plan'],
    ],
    ['has the code again', upsert('a'), ['upsert a Jane']],
    ['is deleted with another code', removed('b'), ['unsubscribe code a FromApi no plan', 'remove b FromApi no plan']],
    ['is deleted again', removed(), ['remove a FromApi no plan']],
  ])('is unsubscribed once more before its row %s', (_, content, sent) => {
    const told = dialogue({ onDelete: 'unsubscribe', state, readsBack: true })
    told.commits(120, ['1', content])
    expect(sendAll(told)).toEqual(sent)
  })

  test('is unsubscribed once, though the row has another code of which a request is to be confirmed', () => {
    const next = { ...owed, nextCode: code('b') }
    const row = delivered('1', patient('a'), { fingerprint: null, removed: true, owed: next, formerCodes: [code('c')] })
    const told = dialogue({ onDelete: 'unsubscribe', state: [row], readsBack: true })
    told.commits(120, ['1', upsert('b')])
    expect(sendAll(told)).toEqual([
      'unsubscribe code a FromApi no plan',
      'unsubscribe code c FromApi no plan',
      'upsert b Jane',
    ])
  })
})

describe('a code that is unsubscribed while an older request may still be applied', () => {
  /** Loses the request of a row, and unsubscribes its code. @returns the delivery of the end, which is being read back. */
  function unsubscribed(content: Content) {
    const told = dialogue({ onDelete: 'unsubscribe', readsBack: true })
    told.commits(110, ['1', upsert('a')])
    for (const delivery of told.take()) told.pending.lost(delivery)
    told.commits(120, ['1', content])
    told.resolve(found)
    const [end] = told.take()
    if (!end) throw new Error('nothing was sent')
    told.accept([end])
    return { ...told, end }
  }
  const recordOf = ({ stored }: Pick<ReturnType<typeof dialogue>, 'stored'>) => stored.get(key('1'))

  test.each<[string, Content, Content]>([
    ['has another code', upsert('b'), upsert('b')],
    ['was deleted, and is there again with another code', removed(), upsert('b')],
    ['is rejected', removed(), { kind: 'invalid', code: code('b'), invalid: [] }],
  ])('stays in the record of its row, which %s, so that a later process unsubscribes it again', (_, first, next) => {
    const told = unsubscribed(first)
    told.commits(130, ['1', next])
    told.resolve(found)
    told.accept(told.take())
    told.record()
    expect(recordOf(told)).toMatchObject({ formerCodes: ['a'], fingerprint: null })
    expect(isToConfirm(recordOf(told)?.owed ?? null)).toBe(true)

    const later = dialogue({ onDelete: 'unsubscribe', state: [...told.stored.values()] })
    later.commits(200, ['1', upsert('b', 'Later')])
    later.resolve(found)
    expect(short(later.take())).toEqual(['unsubscribe code a FromApi no plan'])
  })

  test('is unsubscribed once by this process, and leaves the record once it is read back', () => {
    const told = unsubscribed(upsert('b'))
    told.resolve(found)
    expect(short(told.take())).toEqual(['upsert b Jane'])
    told.record()
    told.pending.confirmed(told.end)
    told.record()
    expect(recordOf(told)?.formerCodes).toEqual([])
  })

  test('stays in the record of a row that is owed', () => {
    const told = unsubscribed(upsert('b'))
    told.record()
    told.pending.oweSendable(key('1'), 0)
    told.record()
    expect(recordOf(told)).toMatchObject({ removed: true, code: 'a', owed: { reason: 'confirm', nextCode: 'b' } })
  })
})
