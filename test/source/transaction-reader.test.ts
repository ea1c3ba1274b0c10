import { describe, expect, test } from 'vitest'
import { Progress } from '../../src/checkpoint/progress.ts'
import type { Change, Relation, WalEvent } from '../../src/model/change.ts'
import { lsn } from '../../src/model/lsn.ts'
import { xid } from '../../src/model/visibility.ts'
import { TransactionReader } from '../../src/source/transaction-reader.ts'

const relation: Relation = { oid: 1, schema: 'public', table: 'patients', replicaIdentity: 'default', columns: [] }
const change: Change = { operation: 'insert', relation, row: new Map() }

const begin = (at: number, id = at): WalEvent => ({
  kind: 'begin',
  commitLsn: lsn(BigInt(at)),
  xid: id,
  committedAtMs: 7,
})
const row: WalEvent = { kind: 'change', change, bytes: 3 }
const commit = (at: number): WalEvent => ({ kind: 'commit', commitEndLsn: lsn(BigInt(at + 1)) })
const keepalive = (at: number): WalEvent => ({ kind: 'keepalive', lsn: lsn(BigInt(at)), replyRequested: false })
const truncate: WalEvent = { kind: 'truncate', relations: [relation] }

function reader(nearXid = 100n) {
  const progress = new Progress(lsn(100n))
  const seen: string[] = []
  const transactions = new TransactionReader({
    arrivals: progress,
    nearXid: xid(nearXid),
    onChange: ({ position, xid: id }) => seen.push(`${position.commitLsn}#${position.ordinal} by ${id}`),
    onTruncate: () => seen.push('truncate'),
  })
  const receive = (...events: WalEvent[]) => {
    for (const event of events) transactions.receive(event)
  }
  return { progress, seen, receive, transactions }
}

test('each change has its transaction’s position and its ordinal in it', () => {
  const { seen, receive } = reader()
  receive(begin(110), row, row, commit(110), begin(120), row, commit(120))
  expect(seen).toEqual(['110#1 by 110', '110#2 by 110', '120#1 by 120'])
})

test('a commit and a keepalive move what is received', () => {
  const { progress, receive } = reader()
  receive(begin(110), commit(110))
  expect(progress.receivedLsn).toBe(111n)
  receive(keepalive(150))
  expect(progress.receivedLsn).toBe(150n)
})

test('ids are widened by the one before, over the epoch’s end', () => {
  const { seen, receive } = reader((1n << 32n) - 5n)
  receive(begin(110, 0xffff_fffe), row, commit(110), begin(120, 3), row, commit(120))
  expect(seen).toEqual([`110#1 by ${(1n << 32n) - 2n}`, `120#1 by ${(1n << 32n) + 3n}`])
})

test('… or by what the server says of now: others may have had 2^31 since a change of this table', () => {
  const near = (1n << 33n) + 100n
  const now = near + (1n << 31n) + 50n
  const low = (id: bigint) => Number(BigInt.asUintN(32, id))
  const { seen, receive, transactions } = reader(near)
  transactions.sawXid(xid(now))
  transactions.sawXid(xid(0n))
  receive(begin(110, low(now)), row, commit(110), begin(120, low(now - 20n)), row, commit(120))
  expect(seen).toEqual([`110#1 by ${now}`, `120#1 by ${now - 20n}`])
})

describe('after a reconnection', () => {
  test('whole transactions that come again are skipped, truncates in them too', () => {
    const { seen, progress, receive } = reader()
    receive(begin(110), row, truncate, commit(110))
    seen.length = 0
    receive(begin(110), row, truncate, commit(110), begin(120), row, commit(120))
    expect(seen).toEqual(['120#1 by 120'])
    expect(progress.receivedLsn).toBe(121n)
  })

  test('the one that was cut off goes on behind what came of it', () => {
    const { seen, receive } = reader()
    receive(begin(110), row, row)
    receive(begin(110), row, row, row, commit(110), begin(120), row, commit(120))
    expect(seen).toEqual(['110#1 by 110', '110#2 by 110', '110#3 by 110', '120#1 by 120'])
  })

  test('cut off twice, nothing is counted twice either', () => {
    const { seen, receive } = reader()
    receive(begin(110), row, row)
    receive(begin(110), row)
    receive(begin(110), row, row, row, commit(110))
    expect(seen).toEqual(['110#1 by 110', '110#2 by 110', '110#3 by 110'])
  })

  test('another transaction in its place is an error', () => {
    const { receive } = reader()
    receive(begin(110), row)
    expect(() => receive(begin(130))).toThrow(/another transaction/)
  })
})

test('a change outside of a transaction is an error', () => {
  expect(() => reader().receive(row)).toThrow(/outside/)
})
