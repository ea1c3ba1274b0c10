import { describe, expect, test } from 'vitest'
import { dialogue, found, short, unsubscribing } from './dialogue.ts'
import { at, code, delivered, incomplete, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

describe('while a transaction arrives', () => {
  test('nothing of it leaves, is read or ends a code; all of it does once it has arrived', () => {
    const { begins, take, pending, resolve } = unsubscribing(['3', 'c'])
    const transaction = begins(110)
    transaction.change('1', upsert('a'))
    transaction.change('2', incomplete('b'))
    transaction.change('3', removed())
    resolve(found)
    expect([take(), pending.toRead(9), pending.unsubscriptions]).toEqual([[], [], 0])
    expect([pending.sendable.live, pending.waiting.live]).toEqual([0, 3])
    transaction.commit()
    resolve(found)
    expect([short(take()), pending.toRead(9)]).toEqual([['upsert a Jane', 'remove c FromApi no plan'], [key('2')]])
  })

  test('older rows leave', () => {
    const { commits, begins, take } = dialogue()
    commits(110, ['1', upsert('a')])
    begins(120).change('2', upsert('b'))
    expect(short(take())).toEqual(['upsert a Jane'])
  })

  test('older rows leave, though they are loaded or answered for only then', () => {
    const { commits, begins, streams, load, take, accept } = dialogue()
    commits(110, ['1', upsert('a', 'First')])
    const first = take()
    commits(112, ['1', upsert('a', 'Second')])
    streams(114, '2', upsert('b'))
    begins(120).change('3', upsert('c'))
    load()
    accept(first)
    expect(short(take()).sort()).toEqual(['upsert a Second', 'upsert b Jane'])
  })

  test('a row that is as the API has it is not settled before what an older transaction says of its code', () => {
    const { streams, begins, take, accept } = dialogue({ state: [delivered('2', patient('a'))] })
    streams(108, '2', upsert('c'))
    streams(110, '1', upsert('a', 'Other'))
    const transaction = begins(120)
    transaction.change('2', upsert('a'))
    const older = take()
    transaction.change('1', upsert('c', 'Other'))
    transaction.change('2', upsert('a'))
    transaction.commit()
    accept(older)
    expect([short(older), short(take())]).toEqual([['upsert a Other'], ['upsert a Jane', 'upsert c Other']])
  })

  test('a row that a read finds as the API has it is not settled before what the stream says of its code', () => {
    const { commits, reads, take, accept } = dialogue({ state: [delivered('2', patient('a'))] })
    commits(110, ['2', upsert('c')], ['1', upsert('a', 'Other')])
    reads('2', upsert('a'), seesBelow(1_000))
    const older = take()
    accept(older)
    expect([short(older), short(take())]).toEqual([['upsert a Other'], ['upsert a Jane']])
  })

  test('a row that is as the API has it is settled once the older version of its code is replaced', () => {
    const { commits, begins, take, settled } = dialogue({ state: [delivered('2', patient('a'))] })
    commits(110, ['2', upsert('c')], ['1', upsert('a', 'Other')])
    const transaction = begins(120)
    transaction.change('2', upsert('a'))
    transaction.change('1', upsert('c', 'Other'))
    transaction.commit()
    expect([short(take()), settled]).toEqual([['upsert c Other'], ['unchanged']])
  })

  test('an older version of a row of it does not leave any more, and the row keeps its turn', () => {
    const { commits, begins, take } = dialogue()
    commits(110, ['1', upsert('a', 'Old')], ['2', upsert('b')])
    const transaction = begins(120)
    transaction.change('1', upsert('a', 'New'))
    expect(short(take(1))).toEqual(['upsert b Jane'])
    transaction.commit()
    expect(short(take())).toEqual(['upsert a New'])
  })

  test('a row that was in flight stays behind if it was not applied', () => {
    const { commits, begins, take, pending } = dialogue()
    commits(110, ['1', upsert('a', 'Old')])
    const sent = take()
    const transaction = begins(120)
    transaction.change('1', upsert('a', 'New'))
    for (const delivery of sent) pending.returned(delivery)
    expect(take()).toEqual([])
    transaction.commit()
    expect(short(take())).toEqual(['upsert a New'])
  })

  test.each([
    ['unchanged', upsert('a'), delivered('1', patient('a'))],
    ['unchanged', removed('a'), delivered('1', patient('a'), { removed: true, fingerprint: null })],
    ['nothing to remove', removed(), null],
  ])('what needs no request is settled: %s', (outcome, content, stored) => {
    const told = dialogue({ onDelete: 'unsubscribe', state: stored ? [stored] : [] })
    const transaction = told.begins(110)
    transaction.change('1', content)
    expect([told.settled, told.progress.settledLsn]).toEqual([[outcome], at(100)])
    transaction.commit()
    expect(told.progress.settledLsn).toBe(at(111))
  })

  test('a row that cannot become a patient is no dead letter yet: it may still become one', () => {
    const { begins, settled, take } = dialogue()
    const transaction = begins(110)
    transaction.change('1', { kind: 'invalid', code: code('a'), invalid: [] })
    expect(settled).toEqual([])
    transaction.change('1', upsert('a'))
    transaction.commit()
    expect([short(take()), settled]).toEqual([['upsert a Jane'], []])
  })

  test('a read that its change is in waits for its end too', () => {
    const { begins, reads, take, accept, progress } = dialogue()
    const transaction = begins(110)
    transaction.change('1', upsert('a', 'Streamed'))
    reads('1', upsert('a', 'Read'), seesBelow(200))
    expect(take()).toEqual([])
    transaction.commit()
    const batch = take()
    accept(batch)
    expect([short(batch), progress.settledLsn]).toEqual([['upsert a Read'], at(111)])
  })
})

describe('one transaction', () => {
  test('in which a row is deleted and inserted again unsubscribes nobody', () => {
    const { begins, resolve, take } = unsubscribing(['1', 'a'])
    const transaction = begins(110)
    transaction.change('1', removed())
    resolve(found)
    transaction.change('1', upsert('a', 'Again'))
    transaction.commit()
    resolve(found)
    expect(short(take())).toEqual(['upsert a Again'])
  })

  test('in which a deleted row’s code goes to another row unsubscribes nobody', () => {
    const { begins, resolve, take } = unsubscribing(['1', 'a'])
    const transaction = begins(110)
    transaction.change('1', removed())
    resolve(found)
    transaction.change('2', upsert('a', 'Two'))
    transaction.commit()
    resolve(found)
    expect(short(take())).toEqual(['upsert a Two'])
  })

  test('in which two rows swap their codes unsubscribes nobody, in whichever order they are answered', () => {
    for (const limit of [1, 9]) {
      const { begins, resolve, take, accept } = unsubscribing(['1', 'a'], ['2', 'b'])
      const transaction = begins(110)
      transaction.change('1', upsert('b', 'One'))
      resolve(found)
      transaction.change('2', upsert('a', 'Two'))
      transaction.commit()
      const sent: string[] = []
      for (let batch = 0; batch < 4; batch++) {
        resolve(found)
        const deliveries = take(limit)
        sent.push(...short(deliveries))
        accept(deliveries)
      }
      expect(sent.sort()).toEqual(['upsert a Two', 'upsert b One'])
    }
  })

  test.each([
    ['whose code its change told', incomplete('a')],
    ['whose code must be read', incomplete()],
  ])('in which two rows swap their codes unsubscribes nobody, though one is incomplete, %s', (_, content) => {
    const { begins, resolve, take, accept, reads, pending } = unsubscribing(['1', 'a'], ['2', 'b'])
    const transaction = begins(110)
    transaction.change('1', upsert('b', 'One'))
    transaction.change('2', content)
    transaction.commit()
    resolve(found)
    const first = take()
    accept(first)
    expect(pending.toRead(9)).toEqual([key('2')])
    reads('2', upsert('a', 'Two'), seesBelow(200), 200)
    pending.passed(at(200))
    resolve(found)
    const sent = [...short(first), ...short(take())]
    expect(sent.filter((one) => !one.startsWith('upsert'))).toEqual([])
    expect(sent).toContain('upsert a Two')
  })

  test('waits for nothing of another whose codes must be read', () => {
    const { commits, resolve, take } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()])
    commits(120, ['2', incomplete()])
    resolve(found)
    expect(short(take())).toEqual(['remove a FromApi no plan'])
  })

  test('that begins in the hold is held until its end', () => {
    const { begins, take, pending } = dialogue({ horizon: position(110, 1) })
    const transaction = begins(110)
    transaction.change('1', upsert('a'))
    expect([pending.held, take()]).toEqual([true, []])
    transaction.commit()
    expect(short(take())).toEqual(['upsert a Jane'])
  })
})
