import { describe, expect, test } from 'vitest'
import { xid } from '../../src/model/source/visibility.ts'
import type { Content } from '../../src/pending/entry/version.ts'
import { dialogue, found, short, unsubscribing } from './dialogue.ts'
import { at, code, delivered, key, patient, position, removed, seesBelow, upsert } from './rows.ts'

test('unsubscribes a code that was left to a removed row when that row is rejected', () => {
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

test('does not leave a code to a row that will be rejected and keeps its delivered code', () => {
  const { commits, resolve, take } = unsubscribing(['1', 'a'], ['2', 'b'])
  const invalid: Content = { kind: 'invalid', code: code('a'), invalid: [] }
  commits(110, ['1', upsert('c')], ['2', upsert('d')], ['2', invalid])
  resolve(found)
  expect(short(take())).toEqual(['unsubscribe code a FromApi no plan', 'unsubscribe code d FromApi no plan'])
})

test('unsubscribes a code that was left to a row if that row is rejected before it is sent and keeps another code', () => {
  const { commits, resolve, take } = unsubscribing(['1', 'a'], ['2', 'b'])
  commits(110, ['1', upsert('c')], ['2', upsert('a')])
  resolve(found)
  commits(120, ['2', { kind: 'invalid', code: code('a'), invalid: [] }])
  resolve(found)
  expect(short(take()).sort()).toEqual(['unsubscribe code a FromApi no plan', 'upsert c Jane'])
})

describe('after a restart', () => {
  const left = delivered('2', patient('a'), { code: null, removed: true, fingerprint: null, position: position(150) })
  /** Streams a change without loading the row record. */
  const replays = ({ pending, progress }: ReturnType<typeof dialogue>, name: string, content: Content) => {
    progress.begin(at(150))
    const change = { position: position(150), xid: xid(150n), committedAtMs: 0, bytes: 10 }
    pending.streamed({ key: key(name), content, ...change })
    progress.commit(at(151))
  }

  test('does not leave a code to a row whose change is possibly settled: that row may have passed the code on earlier', () => {
    const row = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a')), left] })
    row.commits(110, ['1', upsert('b')])
    replays(row, '2', removed('a'))
    row.resolve(found)
    expect(row.take()).toEqual([])
    row.commits(160)
    row.resolve(found)
    expect(short(row.take())).toEqual(['unsubscribe code a FromApi no plan'])
  })

  test('does not leave the code to such a row after the patient of the code was fetched', () => {
    const row = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a')), left] })
    row.commits(110, ['1', upsert('b')])
    row.resolve(found)
    replays(row, '2', removed('a'))
    expect(row.take()).toEqual([])
    row.commits(160)
    expect(short(row.take())).toEqual(['unsubscribe code a FromApi no plan'])
  })
})

describe('a removed row', () => {
  test('is not unsubscribed twice', () => {
    const { commits, resolve, take, settled } = dialogue({
      onDelete: 'unsubscribe',
      state: [delivered('1', patient('a'), { removed: true, fingerprint: null })],
    })
    commits(110, ['1', removed('a')])
    resolve(found)
    expect([take(), settled]).toEqual([[], ['unchanged']])
  })

  test('is unsubscribed if the change names its code, though it has no row record', () => {
    const { commits, resolve, take } = unsubscribing()
    commits(110, ['1', upsert('a')])
    commits(120, ['1', removed()])
    resolve(found)
    expect(short(take())).toEqual(['remove a FromApi no plan'])
  })

  test('is settled without a request if the API does not know the code', () => {
    const { commits, resolve, take, settled } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()])
    resolve(() => null)
    expect([take(), settled]).toEqual([[], ['nothing to remove']])
  })
})

describe('codes to unsubscribe that are fetched at the same time', () => {
  test('contain each code once: otherwise each row would believe that the other one has the code', () => {
    const state = [delivered('1', patient('a')), delivered('2', patient('a'))]
    const { commits, pending } = dialogue({ onDelete: 'unsubscribe', state })
    commits(110, ['1', upsert('b')])
    commits(120, ['2', upsert('c')])
    expect(pending.toResolve(8).map((ending) => [ending.key, ending.code])).toEqual([[key('1'), 'a']])
  })

  test('contain no code that only a read removed, until the stream shows which row has the code now', () => {
    const { reads, pending, commits } = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a'))] })
    reads('1', upsert('b'), seesBelow(500), 200)
    expect(pending.toResolve(8)).toEqual([])
    commits(150, ['2', upsert('a')])
    commits(199, ['3', upsert('d')])
    expect(pending.toResolve(8).map(({ code: ended }) => ended)).toEqual(['a'])
    expect(pending.isCodeOwnedByOther(code('a'), key('1'))).toBe(true)
  })
})

describe('two deleted rows that had the same code', () => {
  const state = [delivered('1', patient('a')), delivered('2', patient('b'))]

  test('unsubscribe it in the order in which they had it, though the first one unsubscribes another code first', () => {
    const { commits, take, accept, resolve } = dialogue({ onDelete: 'unsubscribe', state: state.slice(0, 1) })
    commits(110, ['1', upsert('b', 'First')], ['1', removed()])
    resolve((of) => patient(of))
    const unsubscription = take()
    expect(short(unsubscription)).toEqual(['unsubscribe code a Jane no plan'])
    commits(120, ['2', upsert('b', 'Second')], ['2', removed()])
    resolve((of) => patient(of, 'Second'))
    expect(take()).toEqual([])
    accept(unsubscription)
    resolve((of) => patient(of, 'First'))
    expect(short(take())).toEqual(['remove b Second no plan'])
  })

  test('unsubscribe it though one of them gets it back unsent, after the code was left to the other one', () => {
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
  ])('unsubscribe it in the order of the stream, though a read removed one of them as well: %s', (_, readFirst) => {
    const { reads, commits, take, resolve } = dialogue({ onDelete: 'unsubscribe', state: state.slice(0, 1) })
    commits(110, ['1', upsert('c', 'First')])
    if (readFirst) reads('1', removed(), seesBelow(500), 200)
    commits(120, ['1', removed()], ['2', upsert('c', 'Second')], ['2', removed()])
    if (!readFirst) reads('1', removed(), seesBelow(500), 200)
    resolve((of) => patient(of))
    expect(short(take())).not.toContain('remove c Jane no plan')
  })
})

describe('the former codes of a row', () => {
  test('are unsubscribed one after the other, and the row record keeps its code until that one is unsubscribed', () => {
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
      'unsubscribe code a FromApi no plan',
      'unsubscribe code b FromApi no plan',
      'unsubscribe code c FromApi no plan',
      'upsert d Jane',
    ])
  })

  test('never block the checkpoint: the removal is settled when its code is left to another row', () => {
    const { commits, resolve, take, accept, progress, settled } = unsubscribing(['1', 'a'])
    commits(110, ['1', removed()])
    resolve(found)
    commits(120, ['2', upsert('a', 'Taken')])
    accept(take())
    expect([settled, progress.settledLsn]).toEqual([['nothing to remove', 'delivered'], at(121)])
  })
})

test('holds a code back that must not be sent again yet, and sends the others', () => {
  let isApplied = false
  const { commits, take } = dialogue({ mayRepeat: (of) => of !== code('a') || isApplied })
  commits(110, ['1', upsert('a')], ['2', upsert('b')])
  expect(short(take())).toEqual(['upsert b Jane'])
  isApplied = true
  expect(short(take())).toEqual(['upsert a Jane'])
})

test('resolves a code that two rows unsubscribe for one row after the other', () => {
  const { commits, pending } = unsubscribing(['1', 'a'], ['2', 'a'])
  commits(110, ['1', removed('a')], ['2', removed('a')])
  const asked = () => pending.toResolve(100).map((ending) => ending.key)
  const [first, second] = [key('1'), key('2')]
  expect([asked(), asked()]).toEqual([[first], []])
  pending.resolved(first, { code: code('a'), kind: 'left' })
  expect([asked(), asked()]).toEqual([[second], []])
})

describe('a removal that a read found', () => {
  const gone = () => {
    const row = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a'))] })
    row.reads('1', removed(), seesBelow(200), 200)
    return row
  }

  test('is resolved once the stream has reached it', () => {
    const row = gone()
    row.resolve(found)
    expect(row.take()).toEqual([])
    row.commits(110, ['1', removed('a')])
    row.resolve(found)
    expect(short(row.take())).toEqual(['remove a FromApi no plan'])
  })

  test('is not resolved while the stream has only brought an earlier removal after which the row came back', () => {
    const row = gone()
    row.commits(110, ['1', removed('a')], ['1', upsert('b')])
    row.resolve(found)
    expect(row.take()).toEqual([])
  })
})

test('discards the fetched patient of a code once another row is owed that will have the code', () => {
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

test('counts the code of the newest change for a row that is read again, though an older change caused the read', () => {
  const row = dialogue({ onDelete: 'unsubscribe', state: [delivered('1', patient('a'))] })
  row.reads('1', upsert('c'), seesBelow(300), 300)
  row.resolve(found)
  row.pending.oweLater(key('1'), 0)
  row.record()
  row.commits(110, ['1', upsert('b')])
  row.commits(120, ['1', upsert('c')])
  expect(row.pending.isCodeOwnedByOther(code('c'), key('1'))).toBe(false)
  row.commits(130, ['2', removed('c')])
  expect([code('b'), code('c')].map((of) => row.pending.isCodeOwnedByOther(of, key('2')))).toEqual([false, true])
})

describe('a code that was about to be unsubscribed for a streamed change is not, once a read ahead of the stream has replaced that', () => {
  /** The code of a row is unsubscribed because of the stream. The row is there again, and a read shows that it is gone again. */
  const replaced = (told: ReturnType<typeof unsubscribing>) => {
    told.commits(120, ['1', upsert('a', 'Again')])
    told.reads('1', removed(), seesBelow(500), 500)
  }
  const onceShown = (told: ReturnType<typeof unsubscribing>) => {
    expect(told.take()).toEqual([])
    told.pending.passed(at(500))
    told.resolve(found)
    return short(told.take())
  }

  test('after the patient of the code was found', () => {
    const told = unsubscribing(['1', 'a'])
    told.commits(110, ['1', removed()])
    told.resolve(found)
    replaced(told)
    expect(onceShown(told)).toEqual(['remove a FromApi no plan'])
  })

  test('while the patient of the code is looked for', () => {
    const told = unsubscribing(['1', 'a'])
    told.commits(110, ['1', removed()])
    const [asked] = told.pending.toResolve(1)
    replaced(told)
    if (asked) told.pending.resolved(asked.key, { kind: 'send', code: asked.code, patient: found('a') })
    expect(onceShown(told)).toEqual(['remove a FromApi no plan'])
  })
})
