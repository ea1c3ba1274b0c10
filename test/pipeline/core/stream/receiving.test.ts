import { describe, expect, test } from 'vitest'
import { Progress } from '../../../../src/checkpoint/progress.ts'
import { xid } from '../../../../src/model/source/visibility.ts'
import type { MappedWalEvent } from '../../../../src/pipeline/core/events.ts'
import { Facts } from '../../../../src/pipeline/core/facts.ts'
import { Receiving } from '../../../../src/pipeline/core/stream/receiving.ts'
import { Truncations } from '../../../../src/pipeline/core/stream/truncations.ts'
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

/** Creates a receiver whose changes stay unsettled unless the test settles them. */
function receiver(nearXid = 100n) {
  const progress = new Progress(at(100))
  const seen: string[] = []
  const passed: bigint[] = []
  const facts = new Facts()
  const emptied: string[] = []
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
      truncated: () => seen.push('truncated'),
    },
    facts,
    truncations: new Truncations({ onTruncate: 'reconcile', facts }),
    reload: { truncated: () => void emptied.push('truncated'), inserted: () => void emptied.push('inserted') },
    nearXid: xid(nearXid),
  })
  return {
    progress,
    receiving,
    passed,
    receive(...events: readonly MappedWalEvent[]) {
      for (const event of events) receiving.receive(event, 0)
    },
    /** Returns the changes since the last call. */
    changes: () => seen.splice(0).filter((line) => line.includes('#')),
    seen,
    emptied,
    told: () => facts.drain(),
  }
}

test('gives each change the position of its transaction and its ordinal in it', () => {
  const { changes, receive } = receiver()
  receive(begin(110), one, one, commit(110), begin(120), one, commit(120))
  expect(changes()).toEqual(['["a"] 110#1 by 110', '["a"] 110#2 by 110', '["a"] 120#1 by 120'])
})

test('gives both rows of a change of the key one position', () => {
  const { changes, receive, told } = receiver()
  receive(begin(110), change('a', 'b'), one)
  expect(changes()).toEqual(['["a"] 110#1 by 110', '["b"] 110#1 by 110', '["a"] 110#2 by 110'])
  expect(told()).toEqual([{ kind: 'received', operation: 'insert', changes: 2 }])
})

test('tells the pending set where a transaction begins and ends', () => {
  const { seen, receive, receiving } = receiver()
  receive(begin(110), one)
  expect(receiving.openCommitLsn).toBe(at(110))
  receive(commit(110))
  expect(receiving.openCommitLsn).toBeNull()
  expect(seen).toEqual(['begin 110', '["a"] 110#1 by 110', 'commit'])
})

test('moves the received position with a commit and with a keepalive', () => {
  const { progress, receive, passed } = receiver()
  receive(begin(110), commit(110))
  expect(progress.receivedLsn).toBe(111n)
  receive(keepalive(150))
  expect(progress.receivedLsn).toBe(150n)
  expect(passed).toEqual([111n, 150n])
})

test('widens a transaction id relative to the one before, across the end of an epoch', () => {
  const { changes, receive } = receiver((1n << 32n) - 5n)
  receive(begin(110, 0xffff_fffe), one, commit(110), begin(120, 3), one, commit(120))
  expect(changes()).toEqual([`["a"] 110#1 by ${(1n << 32n) - 2n}`, `["a"] 120#1 by ${(1n << 32n) + 3n}`])
})

test('widens a transaction id relative to the current one of the server: the table may not have changed for 2^31 transactions', () => {
  const near = (1n << 33n) + 100n
  const now = near + (1n << 31n) + 50n
  const low = (id: bigint) => Number(BigInt.asUintN(32, id))
  const { changes, receive, receiving } = receiver(near)
  receiving.sawXid(xid(now))
  receiving.sawXid(xid(0n))
  receive(begin(110, low(now)), one, commit(110), begin(120, low(now - 20n)), one, commit(120))
  expect(changes()).toEqual([`["a"] 110#1 by ${now}`, `["a"] 120#1 by ${now - 20n}`])
})

test('has the rows that wait read again at a TRUNCATE, and not those that the same transaction inserts after it', () => {
  const { receive, seen } = receiver()
  receive(begin(110), one, truncate, one, commit(110))
  expect(seen.filter((line) => line === 'truncated' || line.includes('#'))).toEqual([
    expect.stringContaining('#1'),
    'truncated',
    expect.stringContaining('#2'),
  ])
})

test('tells when the table is emptied and gets new rows, and that it was truncated once all of the transaction is here', () => {
  const { emptied, told, receive } = receiver()
  receive(begin(110), truncate, one)
  expect([emptied.splice(0), told().map(({ kind }) => kind)]).toEqual([['truncated', 'inserted'], ['received']])
  receive(commit(110))
  expect(told()).toEqual([{ kind: 'truncated', isIgnored: false }])
})

describe('after a reconnection', () => {
  test('whole transactions that arrive again are skipped, including truncates', () => {
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

  test('an interrupted transaction goes on after the changes that were received', () => {
    const { changes, receive } = receiver()
    receive(begin(110), one, one)
    receive(begin(110), one, one, one, commit(110), begin(120), one, commit(120))
    const ordinals = changes().map((line) => line.split(' ')[1])
    expect(ordinals).toEqual(['110#1', '110#2', '110#3', '120#1'])
  })

  test('a transaction that is interrupted twice counts no change twice', () => {
    const { changes, receive, told } = receiver()
    receive(begin(110), one, one)
    receive(begin(110), one)
    receive(begin(110), one, one, one, commit(110))
    expect(changes().map((line) => line.split(' ')[1])).toEqual(['110#1', '110#2', '110#3'])
    expect(told()).toEqual([{ kind: 'received', operation: 'insert', changes: 3 }])
  })

  test('another transaction in place of the interrupted one is an error', () => {
    const { receive } = receiver()
    receive(begin(110), one)
    expect(() => receive(begin(130))).toThrow(/another transaction/)
  })
})

test('a change outside of a transaction is an error', () => {
  expect(() => receiver().receive(one)).toThrow(/outside/)
})

describe('the position of a keepalive', () => {
  const settledBy = (...events: readonly MappedWalEvent[]) => {
    const { progress, receive } = receiver()
    receive(...events)
    return progress.settledLsn
  }

  test('may be acknowledged if everything received before it is settled', () => {
    expect(settledBy(keepalive(150))).toBe(150n)
  })

  test('may not be acknowledged while a transaction is open', () => {
    expect(settledBy(begin(200), keepalive(300))).toBe(100n)
    expect(settledBy(begin(200), one, keepalive(300))).toBe(100n)
  })

  test('may not be acknowledged while an earlier row is unsettled', () => {
    expect(settledBy(begin(200), one, commit(200), keepalive(300))).toBe(100n)
  })

  test('never lowers the position', () => {
    expect(settledBy(begin(200), commit(200), keepalive(150))).toBe(201n)
  })

  test('inside an open transaction does not make that transaction count as received if the connection breaks', () => {
    const { changes, receive } = receiver()
    receive(begin(200), one, keepalive(300), begin(200), one, change('b'), commit(200))
    expect(changes().map((line) => line.split(' ')[0])).toEqual(['["a"]', '["b"]'])
  })
})
