import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Progress } from '../../src/checkpoint/progress.ts'
import type { Debt } from '../../src/model/progress/debt.ts'
import { type Lsn, lsn } from '../../src/model/source/lsn.ts'

const at = (bytes: number): Lsn => lsn(BigInt(bytes))

/** Creates a ledger that begins at 100. */
const ledger = () => new Progress(at(100))

/** Receives a transaction whose commit record starts at `commit` and ends ten bytes later, with this number of debts. */
function receive(progress: Progress, commit: number, debts: number): Debt[] {
  progress.begin(at(commit))
  const owed = Array.from({ length: debts }, () => progress.owe())
  progress.commit(at(commit + 10))
  return owed
}

describe('the longest settled prefix', () => {
  test('settles a transaction without relevant changes immediately', () => {
    const progress = ledger()
    receive(progress, 110, 0)
    expect(progress.settledLsn).toBe(at(120))
  })

  test('keeps a later transaction that settles first behind the earlier one', () => {
    const progress = ledger()
    const [first] = receive(progress, 110, 1)
    const [second] = receive(progress, 130, 1)
    if (second) progress.settle(second)
    expect(progress.settledLsn).toBe(at(100))
    if (first) progress.settle(first)
    expect(progress.settledLsn).toBe(at(140))
  })

  test('does not settle an open transaction before its commit', () => {
    const progress = ledger()
    progress.begin(at(110))
    progress.settle(progress.owe())
    expect(progress.settledLsn).toBe(at(100))
    progress.commit(at(120))
    expect(progress.settledLsn).toBe(at(120))
  })

  test('keeps a joined debt with the older transaction', () => {
    const progress = ledger()
    const [older = null] = receive(progress, 110, 1)
    const [newer = null] = receive(progress, 130, 1)
    const joined = progress.join(newer, older)
    expect(progress.settledLsn).toBe(at(100))
    if (joined) progress.settle(joined)
    expect(progress.settledLsn).toBe(at(140))
  })

  test('needs no memory for transactions that settle behind an unsettled one', () => {
    const progress = ledger()
    const [first] = receive(progress, 110, 1)
    for (let commit = 130; commit < 2_130; commit += 20)
      for (const debt of receive(progress, commit, 1)) progress.settle(debt)
    expect(progress.spans).toBe(1)
    if (first) progress.settle(first)
    expect([progress.spans, progress.settledLsn]).toEqual([0, at(2_120)])
  })

  test('counts a keepalive only while nothing is open or unsettled', () => {
    const progress = ledger()
    const [debt] = receive(progress, 110, 1)
    progress.keepalive(at(500))
    expect(progress.settledLsn).toBe(at(100))
    if (debt) progress.settle(debt)
    progress.keepalive(at(600))
    expect(progress.settledLsn).toBe(at(600))
    progress.begin(at(610))
    progress.keepalive(at(700))
    expect([progress.settledLsn, progress.receivedLsn]).toEqual([at(600), at(600)])
  })

  test('throws if a debt is settled twice', () => {
    const progress = ledger()
    const [debt] = receive(progress, 110, 1)
    if (!debt) return
    progress.settle(debt)
    expect(() => progress.settle(debt)).toThrow(/twice/)
  })
})

describe('a transaction', () => {
  test('is open from its first message to its last, also across a reconnection', () => {
    const progress = ledger()
    expect(progress.transactionOpen).toBe(false)
    progress.begin(at(110))
    progress.begin(at(110))
    expect(progress.transactionOpen).toBe(true)
    progress.commit(at(120))
    expect(progress.transactionOpen).toBe(false)
  })

  test('is required for a change and for a commit: otherwise they throw', () => {
    const progress = ledger()
    expect(() => progress.owe()).toThrow('a change outside of a transaction')
    expect(() => progress.commit(at(120))).toThrow('a commit outside of a transaction')
    expect(progress.settledLsn).toBe(at(100))
  })

  test('costs one counter while a row of it is unsettled, and none afterwards', () => {
    const progress = ledger()
    const first = receive(progress, 110, 1_000)
    const second = receive(progress, 130, 1)
    expect(progress.spans).toBe(2)
    for (const debt of [...first, ...second]) progress.settle(debt)
    expect(progress.spans).toBe(0)
  })

  test('has one debt less after two of its versions are joined', () => {
    const progress = ledger()
    const [one = null, two = null] = receive(progress, 110, 2)
    const joined = progress.join(one, two)
    expect(progress.settledLsn).toBe(at(100))
    if (joined) progress.settle(joined)
    expect(progress.settledLsn).toBe(at(120))
  })
})

describe('stored and durable', () => {
  test('only a settled position may be stored, and the durable position never decreases', () => {
    const progress = ledger()
    expect(() => progress.stored(at(101))).toThrow(/before everything/)
    receive(progress, 110, 0)
    expect(progress.stored(at(120))).toBe(at(120))
    expect(progress.stored(at(105))).toBe(at(120))
    expect(progress.durableLsn).toBe(at(120))
  })
})

describe('changes that are settled and not stored', () => {
  test('are those of settled transactions, until a position after them is stored', () => {
    const progress = ledger()
    progress.begin(at(110))
    progress.commit(at(120), undefined, false)
    progress.keepalive(at(125))
    expect(progress.hasUnstoredChanges).toBe(false)
    const [debt = null] = receive(progress, 130, 1)
    progress.begin(at(150))
    progress.commit(at(160), undefined, false)
    expect(progress.hasUnstoredChanges).toBe(false)
    if (debt) progress.settle(debt)
    expect(progress.hasUnstoredChanges).toBe(true)
    progress.stored(at(160))
    expect(progress.hasUnstoredChanges).toBe(false)
  })

  test('are told of a transaction that was settled behind an older one', () => {
    const progress = ledger()
    const [older = null] = receive(progress, 110, 1)
    const [newer = null] = receive(progress, 130, 1)
    if (newer) progress.settle(newer)
    if (older) progress.settle(older)
    progress.stored(at(120))
    expect([progress.settledLsn, progress.hasUnstoredChanges]).toEqual([at(140), true])
  })
})

describe('transactions that a reconnection repeats', () => {
  test('are known if they are whole; a transaction that starts exactly where another ended is new', () => {
    const progress = ledger()
    receive(progress, 110, 1)
    expect(progress.begin(at(110))).toBe('known')
    expect(progress.begin(at(120))).toBe('new')
  })

  test('resume the interrupted one; any other in its place throws', () => {
    const progress = ledger()
    progress.begin(at(110))
    expect(progress.begin(at(110))).toBe('resumed')
    expect(() => progress.begin(at(130))).toThrow(/another transaction/)
  })
})

/** Unsettled debts of each transaction, kept one by one. */
interface Written {
  readonly end: number
  readonly owing: Set<number>
}

test('agrees with a ledger that keeps every debt separately', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('receive' as const), debts: fc.nat(3) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const), pick: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('join' as const), pick: fc.nat(20), other: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('store' as const) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const progress = ledger()
      const written: Written[] = []
      /** Version with one debt of the ledger, which counts for the transactions of all versions that it replaced. */
      const versions: { readonly debt: Debt; readonly of: readonly number[]; readonly id: number }[] = []
      let end = 100
      let id = 0
      let stored = 100
      const settledPrefix = () => {
        const open = written.findIndex(({ owing }) => owing.size > 0)
        const whole = open === -1 ? written.length : open
        return whole === 0 ? 100 : (written[whole - 1]?.end ?? 100)
      }
      for (const now of steps) {
        const before = progress.settledLsn
        if (now.kind === 'receive') {
          const owing = new Set<number>()
          for (const debt of receive(progress, end + 10, now.debts)) {
            id++
            owing.add(id)
            versions.push({ debt, of: [written.length], id })
          }
          end += 20
          written.push({ end, owing })
        } else if (now.kind === 'settle' && versions.length > 0) {
          const [version] = versions.splice(now.pick % versions.length, 1)
          if (!version) continue
          progress.settle(version.debt)
          for (const of of version.of) written[of]?.owing.delete(version.id)
        } else if (now.kind === 'join' && versions.length > 1) {
          const [a] = versions.splice(now.pick % versions.length, 1)
          const [b] = versions.splice(now.other % versions.length, 1)
          if (!a || !b) continue
          const debt = progress.join(a.debt, b.debt)
          // The position cannot pass the older debt, so the transactions of the newer one may already count as settled.
          const [older, newer] = (a.of[0] ?? 0) <= (b.of[0] ?? 0) ? [a, b] : [b, a]
          for (const of of newer.of) written[of]?.owing.delete(newer.id)
          if (debt) versions.push({ debt, of: older.of, id: older.id })
        } else if (now.kind === 'store') {
          stored = settledPrefix()
          expect(progress.stored(progress.settledLsn)).toBe(at(stored))
        }
        expect(progress.settledLsn).toBe(at(settledPrefix()))
        expect(progress.settledLsn >= before).toBe(true)
        expect(progress.durableLsn).toBe(at(stored))
        expect(progress.spans).toBeLessThanOrEqual(versions.length + 1)
      }
    }),
    { numRuns: 500 },
  )
})

test('the settled position stands still since an unsettled change arrived, or since it last moved', () => {
  const ages = new Progress(at(100))
  expect([ages.oldestUnsettledMs(50), ages.standstillMs(50)]).toEqual([0, 0])
  ages.begin(at(110), 1_000)
  const first = ages.owe()
  expect([ages.oldestUnsettledMs(1_500), ages.standstillMs(1_500)]).toEqual([500, 0])
  ages.commit(at(120), 2_000)
  ages.begin(at(120), 3_000)
  ages.owe()
  ages.commit(at(130), 3_000)
  expect([ages.oldestUnsettledMs(5_000), ages.standstillMs(5_000)]).toEqual([4_000, 4_000])
  ages.at(6_000)
  ages.settle(first)
  expect([ages.oldestUnsettledMs(7_000), ages.standstillMs(7_000)]).toEqual([4_000, 1_000])
})

test('the settled position stands still before an arriving transaction only while the stream is paused', () => {
  const ages = new Progress(at(100))
  ages.begin(at(110), 1_000)
  expect([0, 500, 9_000].map((pausedMs) => ages.standstillMs(3_000, pausedMs))).toEqual([0, 500, 2_000])
})
