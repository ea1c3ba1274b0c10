import { describe, expect, test } from 'vitest'
import { xid } from '../../src/model/source/visibility.ts'
import type { Content } from '../../src/pending/entry/version.ts'
import { dialogue, found, short, unsubscribing } from './dialogue.ts'
import { at, code, delivered, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

test('a code that was left to a row which ended before, and is rejected now, is ended with it', () => {
  const ended = delivered('2', patient('x'), { removed: true, fingerprint: null })
  const { commits, resolve, take, accept } = dialogue({
    onDelete: 'unsubscribe',
    state: [delivered('1', patient('a')), ended],
  })
  commits(110, ['1', upsert('b')], ['2', upsert('a')])
  resolve(found)
  commits(120, ['2', { kind: 'invalid', code: code('a'), invalid: [] }])
  accept(take())
  commits(130, ['2', removed()])
  resolve(found)
  expect(short(take())).toEqual(['remove a FromApi no plan'])
})

test('a code is not left to a row that is going to be rejected, and keeps the one that mediQuo has of it', () => {
  const { commits, resolve, take } = unsubscribing(['1', 'a'], ['2', 'b'])
  const invalid: Content = { kind: 'invalid', code: code('a'), invalid: [] }
  commits(110, ['1', upsert('c')], ['2', upsert('d')], ['2', invalid])
  resolve(found)
  expect(short(take())).toEqual(['retire a FromApi no plan', 'retire d FromApi no plan'])
})

test('a code that was left to a row which is rejected before it is sent, and keeps another, is ended', () => {
  const { commits, resolve, take } = unsubscribing(['1', 'a'], ['2', 'b'])
  commits(110, ['1', upsert('c')], ['2', upsert('a')])
  resolve(found)
  commits(120, ['2', { kind: 'invalid', code: code('a'), invalid: [] }])
  resolve(found)
  expect(short(take()).sort()).toEqual(['retire a FromApi no plan', 'upsert c Jane'])
})

describe('after a restart', () => {
  const left = delivered('2', patient('a'), { code: null, removed: true, fingerprint: null, position: position(150) })
  /** A change that is not looked up yet. */
  const replays = ({ pending, progress }: ReturnType<typeof dialogue>, name: string, content: Content) => {
    progress.begin(at(150))
    const change = { position: position(150), xid: xid(150n), committedAtMs: 0, bytes: 10 }
    pending.streamed({ key: key(name), content, ...change })
    progress.commit(at(151))
  }

  test('a code is left to no row whose change may be settled: that one may have left it to this one before', () => {
    const row = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a')), left] })
    row.commits(110, ['1', upsert('b')])
    replays(row, '2', removed('a'))
    row.resolve(found)
    expect(row.take()).toEqual([])
    row.commits(160)
    row.resolve(found)
    expect(short(row.take())).toEqual(['retire a FromApi no plan'])
  })

  test('nor once its record was found', () => {
    const row = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a')), left] })
    row.commits(110, ['1', upsert('b')])
    row.resolve(found)
    replays(row, '2', removed('a'))
    expect(row.take()).toEqual([])
    row.commits(160)
    expect(short(row.take())).toEqual(['retire a FromApi no plan'])
  })
})

describe('a removed row', () => {
  test('is not ended twice', () => {
    const { commits, resolve, take, settled } = dialogue({
      onDelete: 'unsubscribe',
      state: [delivered('1', patient('a'), { removed: true, fingerprint: null })],
    })
    commits(110, ['1', removed('a')])
    resolve(found)
    expect([take(), settled]).toEqual([[], ['unchanged']])
  })

  test('unknown to the state is ended if its code is known', () => {
    const { commits, resolve, take } = unsubscribing()
    commits(110, ['1', upsert('a')])
    commits(120, ['1', removed()])
    resolve(found)
    expect(short(take())).toEqual(['remove a FromApi no plan'])
  })

  test('that the API does not know is given up', () => {
    const { commits, resolve, take, settled } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()])
    resolve(() => null)
    expect([take(), settled]).toEqual([[], ['nothing to remove']])
  })
})

describe('ends of codes that are found out at the same time', () => {
  test('never two of one code: each row would believe that the other has it', () => {
    const state = [delivered('1', patient('a')), delivered('2', patient('a'))]
    const { commits, pending } = dialogue({ onDelete: 'unsubscribe', state })
    commits(110, ['1', upsert('b')])
    commits(120, ['2', upsert('c')])
    expect(pending.toResolve(8).map((ending) => [ending.key, ending.code])).toEqual([[key('1'), 'a']])
  })

  test('none that only a read ended, before the stream shows who has the code now', () => {
    const { reads, pending, commits } = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a'))] })
    reads('1', upsert('b'), seesBelow(500), 200)
    expect(pending.toResolve(8)).toEqual([])
    commits(150, ['2', upsert('a')])
    commits(199, ['3', upsert('d')])
    expect(pending.toResolve(8).map(({ code: ended }) => ended)).toEqual(['a'])
    expect(pending.isClaimed(code('a'), key('1'))).toBe(true)
  })
})

describe('two rows that had a code and are gone', () => {
  const state = [delivered('1', patient('a')), delivered('2', patient('b'))]

  test('end it in the order in which they had it, though the first one ends another code before', () => {
    const { commits, take, accept, resolve } = dialogue({ onDelete: 'unsubscribe', state: state.slice(0, 1) })
    commits(110, ['1', upsert('b', 'First')], ['1', removed()])
    resolve((of) => patient(of))
    const retiring = take()
    expect(short(retiring)).toEqual(['retire a Jane no plan'])
    commits(120, ['2', upsert('b', 'Second')], ['2', removed()])
    resolve((of) => patient(of, 'Second'))
    expect(take()).toEqual([])
    accept(retiring)
    resolve((of) => patient(of, 'First'))
    expect(short(take())).toEqual(['remove b Second no plan'])
  })

  test('and of which one has it back, unsent: it is ended, though it was left to the other before', () => {
    const { commits, take, accept, resolve } = dialogue({ onDelete: 'unsubscribe', state })
    commits(110, ['1', upsert('b')], ['2', upsert('a')])
    resolve((of) => patient(of))
    commits(120, ['1', upsert('a')], ['2', upsert('b')], ['1', removed()])
    resolve((of) => patient(of))
    accept(take())
    resolve((of) => patient(of))
    expect(short(take())).toEqual(['remove a Jane no plan'])
  })

  test.each([
    ['the read first', true],
    ['the stream first', false],
  ])('end it in the stream’s order, though a read brought one as well: %s', (_, readFirst) => {
    const { reads, commits, take, resolve } = dialogue({ onDelete: 'unsubscribe', state: state.slice(0, 1) })
    commits(110, ['1', upsert('c', 'First')])
    if (readFirst) reads('1', removed(), seesBelow(500), 200)
    commits(120, ['1', removed()], ['2', upsert('c', 'Second')], ['2', removed()])
    if (!readFirst) reads('1', removed(), seesBelow(500), 200)
    resolve((of) => patient(of))
    expect(short(take())).not.toContain('remove c Jane no plan')
  })
})

describe('the codes that a row has had', () => {
  test('are ended one after the other, and the state keeps the one that it names until it is', () => {
    const { commits, resolve, take, accept, record } = unsubscribing(['1', 'a'])
    commits(110, ['1', upsert('b')])
    commits(120, ['1', upsert('c')])
    commits(130, ['1', upsert('d')])
    const sent: string[] = []
    for (let batch = 0; batch < 4; batch++) {
      resolve(found)
      const deliveries = take()
      sent.push(...short(deliveries))
      accept(deliveries)
      if (batch === 0) expect(record()).toMatchObject([{ code: 'a', fingerprint: null, removed: true }])
    }
    expect(sent).toEqual([
      'retire a FromApi no plan',
      'retire b FromApi no plan',
      'retire c FromApi no plan',
      'upsert d Jane',
    ])
  })

  test('are no reason to wait for ever: an end that is left to another row is settled', () => {
    const { commits, resolve, take, accept, progress, settled } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()])
    resolve(found)
    commits(120, ['2', upsert('a', 'Taken')])
    accept(take())
    expect([settled, progress.settledLsn]).toEqual([['nothing to remove', 'delivered'], at(121)])
  })
})

test('a code that may not be repeated yet waits, and others do not wait for it', () => {
  let isApplied = false
  const { commits, take } = dialogue({ mayRepeat: (of) => of !== code('a') || isApplied })
  commits(110, ['1', upsert('a')], ['2', upsert('b')])
  expect(short(take())).toEqual(['upsert b Jane'])
  isApplied = true
  expect(short(take())).toEqual(['upsert a Jane'])
})

test('a code that two rows end is looked into for one of them after the other', () => {
  const { commits, pending } = unsubscribing(['1', 'a'], ['2', 'a'])
  commits(110, ['1', removed('a')], ['2', removed('a')])
  const asked = () => pending.toResolve(100).map((ending) => ending.key)
  const [first, second] = [key('1'), key('2')]
  expect([asked(), asked()]).toEqual([[first], []])
  pending.resolved(first, { code: code('a'), kind: 'left' })
  expect([asked(), asked()]).toEqual([[second], []])
})

describe('an end that a read brought', () => {
  const gone = () => {
    const row = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a'))] })
    row.reads('1', removed(), seesBelow(200), 200)
    return row
  }

  test('is looked into once the stream has come to it', () => {
    const row = gone()
    row.resolve(found)
    expect(row.take()).toEqual([])
    row.commits(110, ['1', removed('a')])
    row.resolve(found)
    expect(short(row.take())).toEqual(['remove a FromApi no plan'])
  })

  test('is not, while the stream has brought an earlier end after which the row came back', () => {
    const row = gone()
    row.commits(110, ['1', removed('a')], ['1', upsert('b')])
    row.resolve(found)
    expect(row.take()).toEqual([])
  })
})

test('what was found to end a code is out of date once another row is owed that is to have it', () => {
  const row = dialogue({ onDelete: 'unsubscribe', maxRows: 1, state: [delivered('1', patient('a'))] })
  row.commits(110, ['1', removed('a')])
  row.resolve(found)
  const transaction = row.begins(120)
  transaction.change('2', upsert('a'))
  row.pending.owe({ mayRead: true })
  transaction.commit()
  expect(row.record()).toMatchObject([{ key: key('2'), owed: { nextCode: 'a' } }])
  expect([row.pending.isInMemory(key('2')), row.take()]).toEqual([false, []])
  row.resolve(found)
  expect([row.take(), row.settled]).toEqual([[], ['owed', 'nothing to remove']])
})

test('a row that is to be read again has the code that the newest change told, though an older one made the reading necessary', () => {
  const row = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a'))] })
  row.reads('1', upsert('c'), seesBelow(300), 300)
  row.resolve(found)
  row.pending.oweLater(key('1'), 0)
  row.record()
  row.commits(110, ['1', upsert('b')])
  row.commits(120, ['1', upsert('c')])
  expect(row.pending.isClaimed(code('c'), key('1'))).toBe(false)
  row.commits(130, ['2', removed('c')])
  expect([code('b'), code('c')].map((of) => row.pending.isClaimed(of, key('2')))).toEqual([false, true])
})
