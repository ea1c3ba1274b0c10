import { describe, expect, test } from 'vitest'
import { dialogue, found, short, unsubscribing } from './dialogue.ts'
import { at, code, delivered, incomplete, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

describe('while a transaction arrives', () => {
  test('no row of it is sent, read or unsubscribed; all rows are once it has arrived', () => {
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

  test('older rows are sent', () => {
    const { commits, begins, take } = dialogue()
    commits(110, ['1', upsert('a')])
    begins(120).change('2', upsert('b'))
    expect(short(take())).toEqual(['upsert a Jane'])
  })

  test('older rows are sent, though they are loaded or answered only then', () => {
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

  test('a row that equals what the API has is not settled while an older version of another row has its code', () => {
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

  test('a row that a read finds equal to what the API has is not settled while a streamed version of another row has its code', () => {
    const { commits, reads, take, accept } = dialogue({ state: [delivered('2', patient('a'))] })
    commits(110, ['2', upsert('c')], ['1', upsert('a', 'Other')])
    reads('2', upsert('a'), seesBelow(1_000))
    const older = take()
    accept(older)
    expect([short(older), short(take())]).toEqual([['upsert a Other'], ['upsert a Jane']])
  })

  test('a row that equals what the API has is settled once the older version of its code is replaced', () => {
    const { commits, begins, take, settled } = dialogue({ state: [delivered('2', patient('a'))] })
    commits(110, ['2', upsert('c')], ['1', upsert('a', 'Other')])
    const transaction = begins(120)
    transaction.change('2', upsert('a'))
    transaction.change('1', upsert('c', 'Other'))
    transaction.commit()
    expect([short(take()), settled]).toEqual([['upsert c Other'], ['unchanged']])
  })

  test('an older version of a row in it is no longer sent, and the row keeps its turn', () => {
    const { commits, begins, take } = dialogue()
    commits(110, ['1', upsert('a', 'Old')], ['2', upsert('b')])
    const transaction = begins(120)
    transaction.change('1', upsert('a', 'New'))
    expect(short(take(1))).toEqual(['upsert b Jane'])
    transaction.commit()
    expect(short(take())).toEqual(['upsert a New'])
  })

  test('a row that was in flight waits if its request was not applied', () => {
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
  ])('a version that needs no request is settled: %s', (outcome, content, stored) => {
    const told = dialogue({ onDelete: 'unsubscribe', state: stored ? [stored] : [] })
    const transaction = told.begins(110)
    transaction.change('1', content)
    expect([told.settled, told.progress.settledLsn]).toEqual([[outcome], at(100)])
    transaction.commit()
    expect(told.progress.settledLsn).toBe(at(111))
  })

  test('a row that cannot become a patient is not a dead letter yet: a later change of the transaction may fix it', () => {
    const { begins, settled, take } = dialogue()
    const transaction = begins(110)
    transaction.change('1', { kind: 'invalid', code: code('a'), invalid: [] })
    expect(settled).toEqual([])
    transaction.change('1', upsert('a'))
    transaction.commit()
    expect([short(take()), settled]).toEqual([['upsert a Jane'], []])
  })

  test('a read that contains its change waits for its end too', () => {
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
  test('that deletes a row and inserts it again unsubscribes nobody', () => {
    const { begins, resolve, take } = unsubscribing(['1', 'a'])
    const transaction = begins(110)
    transaction.change('1', removed())
    resolve(found)
    transaction.change('1', upsert('a', 'Again'))
    transaction.commit()
    resolve(found)
    expect(short(take())).toEqual(['upsert a Again'])
  })

  test('that moves the code of a deleted row to another row unsubscribes nobody', () => {
    const { begins, resolve, take } = unsubscribing(['1', 'a'])
    const transaction = begins(110)
    transaction.change('1', removed())
    resolve(found)
    transaction.change('2', upsert('a', 'Two'))
    transaction.commit()
    resolve(found)
    expect(short(take())).toEqual(['upsert a Two'])
  })

  test('that swaps the codes of two rows unsubscribes nobody, in either order of the answers', () => {
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
  ])('that swaps the codes of two rows unsubscribes nobody, though one is incomplete, %s', (_, content) => {
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

  test('does not wait for another one whose rows must be read', () => {
    const { commits, resolve, take } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()])
    commits(120, ['2', incomplete()])
    resolve(found)
    expect(short(take())).toEqual(['remove a FromApi no plan'])
  })

  test('that begins during the hold is held until its end', () => {
    const { begins, take, pending } = dialogue({ horizon: position(110, 1) })
    const transaction = begins(110)
    transaction.change('1', upsert('a'))
    expect([pending.isSendingHeld, take()]).toEqual([true, []])
    transaction.commit()
    expect(short(take())).toEqual(['upsert a Jane'])
  })
})
