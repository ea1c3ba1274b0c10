import { describe, expect, test } from 'vitest'
import { BackfillLedger } from '../../src/backfill/backfill-ledger.ts'
import { firstPageSize, nextPageSize } from '../../src/backfill/page-size.ts'
import { Walk, type WalkedRead, type WalkStep } from '../../src/backfill/walk.ts'
import { patientCode } from '../../src/model/patient/patient.ts'
import type { BackfillRun } from '../../src/model/progress/backfill-run.ts'
import type { BackfillDebt } from '../../src/model/progress/debt.ts'
import { type RowKey, rowKey } from '../../src/model/source/row.ts'
import { wholeRun } from './whole-run.ts'

const keyOf = (n: number) => rowKey(new Map([['id', String(n).padStart(6, '0')]]), ['id'])
const codeOf = (n: number) => patientCode(`c${n}`)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** Creates a walk over rows of these numbers and over a store that knows some. Its debts stay open until the test settles them. */
function walkOver(
  table: readonly number[],
  { known = [], pass = {} }: { known?: number[]; pass?: Partial<BackfillRun> } = {},
) {
  const ledger = new BackfillLedger()
  const merged: { readonly key: RowKey; readonly backfillDebt: BackfillDebt | null; readonly found: boolean }[] = []
  const limits: number[] = []
  const codesOf = (numbers: readonly number[]) => new Map(numbers.map((n) => [keyOf(n), codeOf(n)]))
  const walk = new Walk({ ...wholeRun, ...pass }, ledger)

  function list({ after, limit, codes }: Extract<WalkStep, { kind: 'list known rows' }>): RowKey[] {
    const wanted = known.filter((n) => codes === null || codes.includes(codeOf(n))).map(keyOf)
    return wanted.filter((key) => after === null || key > after).slice(0, limit)
  }

  function read(step: Exclude<WalkStep, { kind: 'list known rows' }>): WalkedRead {
    const size = (rows: number) => ({ valueBytes: 100 * rows, tookMs: 0 })
    if (step.kind === 'keys') {
      const found = table.filter((n) => step.keys.includes(keyOf(n)))
      return { codes: codesOf(found), page: null, ...size(found.length) }
    }
    const { after, limit } = step
    limits.push(limit)
    const found = table.filter((n) => after === null || keyOf(n) > after).slice(0, limit)
    const last = found.at(-1)
    const page = { leftOut: [], last: last === undefined ? null : keyOf(last), isLast: found.length < limit }
    return { codes: codesOf(found), page, ...size(found.length) }
  }

  function merge(found: WalkedRead): void {
    const keys = walk.keysOf(found)
    const backfillDebt = walk.openBackfillDebt(found, keys)
    for (const key of keys) merged.push({ key, backfillDebt, found: found.codes.has(key) })
  }

  return {
    walk,
    ledger,
    merged,
    limits,
    toTheEnd() {
      for (let step = walk.next; step !== null; step = walk.next) {
        if (step.kind === 'list known rows') walk.listed(list(step))
        else merge(read(step))
      }
    },
  }
}

describe('a backfill run', () => {
  test('brings every row once, in growing pages, and then the rows that are gone', () => {
    const set = walkOver(range(1, 3_000), { known: [1, 2_000, 3_001, 3_002] })
    set.toTheEnd()
    const found = set.merged.filter(({ found }) => found).map(({ key }) => key)
    expect(found).toEqual(range(1, 3_000).map(keyOf))
    expect(set.merged.filter(({ found }) => !found).map(({ key }) => key)).toEqual([3_001, 3_002].map(keyOf))
    expect(set.limits.slice(0, 5)).toEqual([firstPageSize, 100, 200, 400, 500])
  })

  test('is done once every row of it is settled, not once it is read', () => {
    const { toTheEnd, ledger, merged } = walkOver(range(1, 120))
    toTheEnd()
    expect(ledger.progress).toMatchObject({ done: false, rowsRead: 0, position: null })
    for (const { backfillDebt } of merged.slice(1)) if (backfillDebt) ledger.settle(backfillDebt)
    expect(ledger.progress).toMatchObject({ done: false, rowsRead: 0 })
    const [first] = merged
    if (first?.backfillDebt) ledger.settle(first.backfillDebt)
    expect(ledger.progress).toMatchObject({ done: true, rowsRead: 120 })
  })

  test('continues after the settled rows, with pages as large as before', () => {
    const position = { phase: 'table', after: keyOf(700), pageSize: 400 } as const
    const { toTheEnd, merged, limits } = walkOver(range(1, 1_000), { pass: { position, rowsRead: 700 } })
    toTheEnd()
    expect(merged[0]?.key).toBe(keyOf(701))
    expect(limits[0]).toBe(400)
  })

  test('of the first start looks for no deleted rows: changes since the creation of the slot are streamed', () => {
    const { toTheEnd, merged } = walkOver(range(1, 10), { known: [11], pass: { reason: 'first run' } })
    toTheEnd()
    expect(merged).toHaveLength(10)
  })

  test('over an empty table reports that, and leaves the known rows alone', () => {
    const set = walkOver([], { known: range(1, 10) })
    set.toTheEnd()
    expect([set.walk.foundNothing, set.merged, set.ledger.progress?.done]).toEqual([true, [], true])
  })

  test('over single codes reads the known rows, and looks for the others in the table', () => {
    const codes = ['c5', 'c900', 'c7', 'c1001'].map(patientCode)
    const { toTheEnd, merged } = walkOver(range(8, 1_000).concat(5), { known: [5, 6, 7], pass: { codes } })
    toTheEnd()
    expect(merged.map(({ key, found }) => [key, found])).toEqual([
      [keyOf(5), true],
      [keyOf(7), false],
      [keyOf(900), true],
    ])
  })

  test('over a list of keys reads only those, found or not, and continues within the list', () => {
    const keys = [900, 5, 7, 1_001].map(keyOf)
    const { toTheEnd, merged, limits, ledger } = walkOver(range(6, 1_000), { known: [5, 6, 7], pass: { keys } })
    toTheEnd()
    expect(merged.map(({ key, found }) => [key, found])).toEqual([
      [keyOf(5), false],
      [keyOf(7), true],
      [keyOf(900), true],
      [keyOf(1_001), false],
    ])
    for (const { backfillDebt } of merged) if (backfillDebt) ledger.settle(backfillDebt)
    expect([limits, ledger.progress]).toEqual([[], expect.objectContaining({ rowsRead: 4, done: true })])

    const position = { phase: 'state', after: keyOf(7), pageSize: 1 } as const
    const resumed = walkOver(range(6, 1_000), { pass: { keys, position, rowsRead: 2 } })
    resumed.toTheEnd()
    expect(resumed.merged.map(({ key }) => key)).toEqual([900, 1_001].map(keyOf))
  })

  test('over single codes that are all known does not read the whole table', () => {
    const { toTheEnd, limits } = walkOver(range(1, 1_000), { known: [5], pass: { codes: [patientCode('c5')] } })
    toTheEnd()
    expect(limits).toEqual([])
  })
})

describe('a walk', () => {
  test('repeats its request until it gets the result, so that a failed read is repeated', () => {
    const { walk } = walkOver(range(1, 10))
    expect(walk.next).toEqual({ kind: 'page', after: null, limit: firstPageSize })
    expect(walk.next).toEqual(walk.next)
  })

  test('reads a list of keys once, then lists the keys after them', () => {
    const codes = ['c5', 'c7'].map(patientCode)
    const { walk } = walkOver([], { pass: { codes } })
    const listing = { kind: 'list known rows', limit: firstPageSize, codes }
    expect(walk.next).toEqual({ ...listing, after: null })
    walk.listed([keyOf(5)])
    expect(walk.next).toEqual({ kind: 'keys', keys: [keyOf(5)] })
    const gone = { codes: new Map(), page: null, valueBytes: 0, tookMs: 0 }
    walk.openBackfillDebt(gone, walk.keysOf(gone))
    expect(walk.next).toEqual({ ...listing, after: keyOf(5), limit: 2 * firstPageSize })
  })

  test('takes rows into account that the row filter leaves out', () => {
    const { walk } = walkOver([])
    const page = { leftOut: [keyOf(2)], last: keyOf(2), isLast: false }
    expect(walk.keysOf({ codes: new Map([[keyOf(1), codeOf(1)]]), page, valueBytes: 0, tookMs: 0 })).toEqual(
      [1, 2].map(keyOf),
    )
  })

  test('that is over requests nothing, and opens no debt', () => {
    const { walk, toTheEnd } = walkOver(range(1, 3), { pass: { reason: 'first run' } })
    toTheEnd()
    expect([walk.isOver, walk.next, walk.rowsRead]).toEqual([true, null, 3])
    expect(walk.openBackfillDebt({ codes: new Map(), page: null, valueBytes: 0, tookMs: 0 }, [])).toBeNull()
  })
})

describe('the ledger', () => {
  const at = (n: number) => ({ phase: 'table', after: keyOf(n), pageSize: 50 }) as const

  test('stands at the end of the longest prefix of settled pages', () => {
    const ledger = new BackfillLedger()
    ledger.begin(wholeRun)
    const [first, second] = [ledger.open(at(10), 1, 10), ledger.open(at(20), 1, 10)]
    ledger.settle(second)
    expect(ledger.progress?.position).toBeNull()
    ledger.settle(first)
    expect(ledger.progress).toMatchObject({ position: at(20), rowsRead: 20 })
  })

  test('settles the later of two pages with the same row immediately, and the earlier one when the row is settled', () => {
    const ledger = new BackfillLedger()
    ledger.begin(wholeRun)
    const [first, second] = [ledger.open(at(10), 1, 10), ledger.open(at(20), 1, 10)]
    const joined = ledger.join(second, first)
    expect([joined, ledger.progress?.rowsRead]).toEqual([first, 0])
    ledger.settle(first)
    expect(ledger.progress?.rowsRead).toBe(20)
    expect(() => ledger.settle(first)).toThrow('settled twice')
  })

  test('returns progress that is not stored yet, and is free for the next run once the end is stored', () => {
    const ledger = new BackfillLedger()
    ledger.begin(wholeRun)
    expect(ledger.toRecord()).toBeNull()
    ledger.open(at(10), 0, 10)
    const half = ledger.toRecord()
    expect(half).toMatchObject({ rowsRead: 10, done: false })
    if (half) ledger.recorded(half)
    expect(ledger.toRecord()).toBeNull()
    ledger.walked()
    const all = ledger.toRecord()
    expect(all).toMatchObject({ rowsRead: 10, done: true })
    if (all) ledger.recorded(all)
    expect(ledger.progress).toBeNull()
  })
})

test('pages shrink when they take long or bring many bytes, to one row at least', () => {
  const quick = { ms: 1, bytes: 1 }
  expect(nextPageSize({ limit: 50, ...quick })).toBe(100)
  expect(nextPageSize({ limit: 400, ...quick })).toBe(500)
  expect(nextPageSize({ limit: 400, ms: 1_000, bytes: 1 })).toBe(200)
  expect(nextPageSize({ limit: 400, ms: 1, bytes: 9_000_000 })).toBe(200)
  expect(nextPageSize({ limit: 400, ms: 150, bytes: 1 })).toBe(400)
  expect(nextPageSize({ limit: 1, ms: 9_000, bytes: 9_000_000 })).toBe(1)
})

describe('a backfill run after which a table may be filled again', () => {
  test('is put off if the table is empty: it is not done, and settles nothing', () => {
    const set = walkOver([], { known: range(1, 10), pass: { reason: 'truncated' } })
    set.toTheEnd()
    expect([set.walk.isPutOff, set.merged, set.ledger.progress]).toEqual([true, [], null])
    expect(set.ledger.toRecord()).toBeNull()
  })

  test('begins again at the first row', () => {
    const position = { phase: 'table', after: keyOf(5), pageSize: 400 } as const
    const set = walkOver(range(1, 3), { pass: { reason: 'truncated', position } })
    set.toTheEnd()
    expect([set.merged.length, set.limits[0]]).toEqual([3, 400])
  })
})
