import { describe, expect, test } from 'vitest'
import { Progress } from '../../src/checkpoint/progress.ts'
import type { WalEvent } from '../../src/model/change.ts'
import { lsn } from '../../src/model/lsn.ts'
import { xid } from '../../src/model/visibility.ts'
import { TransactionReader } from '../../src/source/transaction-reader.ts'

const begin: WalEvent = { kind: 'begin', commitLsn: lsn(200n), xid: 7, committedAtMs: 0 }
const insert = (code: string): WalEvent => ({
  kind: 'change',
  bytes: 10,
  change: {
    operation: 'insert',
    relation: { oid: 1, schema: 'public', table: 'patients', replicaIdentity: 'default', columns: [] },
    row: new Map([['code', code]]),
  },
})
const change = insert('jane')
const commit: WalEvent = { kind: 'commit', commitEndLsn: lsn(210n) }
const keepalive = (at: bigint): WalEvent => ({ kind: 'keepalive', lsn: lsn(at), replyRequested: true })

/** What may be stored, and so acknowledged, after these events; and the rows that were passed on. */
function receive(...events: readonly WalEvent[]) {
  const progress = new Progress(lsn(100n))
  const codes: unknown[] = []
  const reader = new TransactionReader({
    arrivals: progress,
    nearXid: xid(7n),
    onChange: ({ change }) => {
      progress.owe()
      codes.push('row' in change && change.row.get('code'))
    },
    onTruncate: () => undefined,
  })
  for (const event of events) reader.receive(event)
  return { settled: progress.settledLsn, codes }
}

describe('a keepalive’s position', () => {
  test('may be acknowledged when nothing was received before it that is not settled', () => {
    expect(receive(keepalive(150n)).settled).toBe(150n)
  })

  test('may not while a transaction is open', () => {
    expect(receive(begin, keepalive(300n)).settled).toBe(100n)
    expect(receive(begin, change, keepalive(300n)).settled).toBe(100n)
  })

  test('may not while a row that came before it is unsettled', () => {
    expect(receive(begin, change, commit, keepalive(300n)).settled).toBe(100n)
  })

  test('never takes the position back', () => {
    expect(receive(begin, commit, keepalive(150n)).settled).toBe(210n)
  })

  test('that came in an open transaction does not make that one count as received, should the connection break', () => {
    const { codes } = receive(begin, change, keepalive(300n), begin, change, insert('john'), commit)
    expect(codes).toEqual(['jane', 'john'])
  })
})
