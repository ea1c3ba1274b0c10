import { describe, expect, test } from 'vitest'
import { Progress } from '../../../../src/checkpoint/progress.ts'
import { xid } from '../../../../src/model/source/visibility.ts'
import type { MappedWalEvent } from '../../../../src/pipeline/core/events.ts'
import { Facts } from '../../../../src/pipeline/core/facts.ts'
import { Receiving } from '../../../../src/pipeline/core/stream/receiving.ts'
import { at, key, upsert } from '../../../pending/rows.ts'

const begin = (bytes: number, id = bytes): MappedWalEvent => ({
  ...{ kind: 'begin', commitLsn: at(bytes), xid: id, committedAtMs: 7 },
})
const row = (name: string) => ({ key: key(name), content: upsert(name), bytes: 3 })
const change = (...names: readonly string[]): MappedWalEvent => ({
  ...{ kind: 'change', operation: 'insert', rows: names.map(row) },
})
const one = change('a')
const commit = (bytes: number): MappedWalEvent => ({ kind: 'commit', commitEndLsn: at(bytes + 1) })
const keepalive = (bytes: number): MappedWalEvent => ({ kind: 'keepalive', lsn: at(bytes) })
const truncate: MappedWalEvent = { kind: 'truncate' }

/** Every change owes its row until the test says otherwise: it never does. */
function receiver(nearXid = 100n) {
  const progress = new Progress(at(100))
  const seen: string[] = []
  const passed: bigint[] = []
  const facts = new Facts()
  const receiving = new Receiving({
    progress,
    pending: {
      begun: (commitLsn) => seen.push(`begin ${commitLsn}`),
      streamed: ({ key: of, position, xid: id }) => {
        progress.owe()
        seen.push(`${of} ${position.commitLsn}#${position.ordinal} by ${id}`)
      },
      committed: () => seen.push('commit'),
      passed: (lsn) => passed.push(lsn),
    },
    facts,
    nearXid: xid(nearXid),
  })
  return {
    progress,
    receiving,
    passed,
    receive(...events: readonly MappedWalEvent[]) {
      for (const event of events) receiving.receive(event, 0)
    },
    /** Changes seen since the last time. */
    changes: () => seen.splice(0).filter((line) => line.includes('#')),
    seen,
    told: () => facts.drain(),
  }
}

test('each change has its transaction’s position and its ordinal in it', () => {
  const { changes, receive } = receiver()
  receive(begin(110), one, one, commit(110), begin(120), one, commit(120))
  expect(changes()).toEqual(['["a"] 110#1 by 110', '["a"] 110#2 by 110', '["a"] 120#1 by 120'])
})

test('both rows of a change of the key have one position', () => {
  const { changes, receive, told } = receiver()
  receive(begin(110), change('a', 'b'), one)
  expect(changes()).toEqual(['["a"] 110#1 by 110', '["b"] 110#1 by 110', '["a"] 110#2 by 110'])
  expect(told()).toEqual([{ kind: 'received', operation: 'insert', changes: 2 }])
})

test('the pending set is told where a transaction begins and ends', () => {
  const { seen, receive, receiving } = receiver()
  receive(begin(110), one)
  expect(receiving.openCommitLsn).toBe(at(110))
  receive(commit(110))
  expect(receiving.openCommitLsn).toBeNull()
  expect(seen).toEqual(['begin 110', '["a"] 110#1 by 110', 'commit'])
})

test('a commit and a keepalive move what is received', () => {
  const { progress, receive, passed } = receiver()
  receive(begin(110), commit(110))
  expect(progress.receivedLsn).toBe(111n)
  receive(keepalive(150))
  expect(progress.receivedLsn).toBe(150n)
  expect(passed).toEqual([111n, 150n])
})

test('ids are widened by the one before, over the end of the epoch', () => {
  const { changes, receive } = receiver((1n << 32n) - 5n)
  receive(begin(110, 0xffff_fffe), one, commit(110), begin(120, 3), one, commit(120))
  expect(changes()).toEqual([`["a"] 110#1 by ${(1n << 32n) - 2n}`, `["a"] 120#1 by ${(1n << 32n) + 3n}`])
})

test('… or by what the server says of now: others may have had 2^31 since a change of this table', () => {
  const near = (1n << 33n) + 100n
  const now = near + (1n << 31n) + 50n
  const low = (id: bigint) => Number(BigInt.asUintN(32, id))
  const { changes, receive, receiving } = receiver(near)
  receiving.sawXid(xid(now))
  receiving.sawXid(xid(0n))
  receive(begin(110, low(now)), one, commit(110), begin(120, low(now - 20n)), one, commit(120))
  expect(changes()).toEqual([`["a"] 110#1 by ${now}`, `["a"] 120#1 by ${now - 20n}`])
})

describe('after a reconnection', () => {
  test('whole transactions that come again are skipped, truncates in them too', () => {
    const { changes, told, progress, receive } = receiver()
    receive(begin(110), one, truncate, commit(110))
    expect(told().map(({ kind }) => kind)).toEqual(['truncated', 'received'])
    changes()
    receive(begin(110), one, truncate, commit(110))
    expect(told()).toEqual([])
    receive(begin(120), one, commit(120))
    expect(changes()).toEqual(['["a"] 120#1 by 120'])
    expect(progress.receivedLsn).toBe(121n)
  })

  test('the one that was cut off goes on behind what came of it', () => {
    const { changes, receive } = receiver()
    receive(begin(110), one, one)
    receive(begin(110), one, one, one, commit(110), begin(120), one, commit(120))
    const ordinals = changes().map((line) => line.split(' ')[1])
    expect(ordinals).toEqual(['110#1', '110#2', '110#3', '120#1'])
  })

  test('cut off twice, nothing is counted twice either', () => {
    const { changes, receive, told } = receiver()
    receive(begin(110), one, one)
    receive(begin(110), one)
    receive(begin(110), one, one, one, commit(110))
    expect(changes().map((line) => line.split(' ')[1])).toEqual(['110#1', '110#2', '110#3'])
    expect(told()).toEqual([{ kind: 'received', operation: 'insert', changes: 3 }])
  })

  test('another transaction in its place is an error', () => {
    const { receive } = receiver()
    receive(begin(110), one)
    expect(() => receive(begin(130))).toThrow(/another transaction/)
  })
})

test('a change outside of a transaction is an error', () => {
  expect(() => receiver().receive(one)).toThrow(/outside/)
})

describe('a keepalive’s position', () => {
  const settledBy = (...events: readonly MappedWalEvent[]) => {
    const { progress, receive } = receiver()
    receive(...events)
    return progress.settledLsn
  }

  test('may be acknowledged when nothing was received before it that is not settled', () => {
    expect(settledBy(keepalive(150))).toBe(150n)
  })

  test('may not while a transaction is open', () => {
    expect(settledBy(begin(200), keepalive(300))).toBe(100n)
    expect(settledBy(begin(200), one, keepalive(300))).toBe(100n)
  })

  test('may not while a row that came before it is unsettled', () => {
    expect(settledBy(begin(200), one, commit(200), keepalive(300))).toBe(100n)
  })

  test('never takes the position back', () => {
    expect(settledBy(begin(200), commit(200), keepalive(150))).toBe(201n)
  })

  test('that came in an open transaction does not make that one count as received, should the connection break', () => {
    const { changes, receive } = receiver()
    receive(begin(200), one, keepalive(300), begin(200), one, change('b'), commit(200))
    expect(changes().map((line) => line.split(' ')[0])).toEqual(['["a"]', '["b"]'])
  })
})
