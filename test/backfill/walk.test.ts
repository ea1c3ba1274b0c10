import { describe, expect, test } from 'vitest'
import { firstPageSize, nextPageSize } from '../../src/backfill/page-size.ts'
import { PassLedger } from '../../src/backfill/pass-ledger.ts'
import { type FoundPage, type FoundRows, Walk } from '../../src/backfill/walk.ts'
import type { Claim } from '../../src/model/debt.ts'
import type { Pass } from '../../src/model/pass.ts'
import { patientCode } from '../../src/model/patient.ts'
import { type Row, type RowKey, rowKey } from '../../src/model/row.ts'

const keyOf = (n: number) => rowKey(rowOf(n), ['id'])
const rowOf = (n: number): Row => new Map([['id', String(n).padStart(6, '0')]])
const codeOf = (row: Row) => patientCode(`c${Number(row.get('id'))}`)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

const whole: Pass = {
  id: 1,
  state: 'running',
  reason: 'asked for',
  codes: null,
  keys: null,
  position: null,
  rowsRead: 0,
  rowsEstimated: 0,
  startedAt: null,
  finishedAt: null,
}

/** A walk over rows of these numbers, and over a state that knows those; its claims stay open until they are settled. */
function walkOver(
  table: readonly number[],
  { known = [], pass = {} }: { known?: number[]; pass?: Partial<Pass> } = {},
) {
  const ledger = new PassLedger()
  const merged: { readonly key: RowKey; readonly claim: Claim; readonly found: boolean }[] = []
  const limits: number[] = []
  let empty = false
  const rowsOf = (numbers: readonly number[]) => new Map(numbers.map((n) => [keyOf(n), rowOf(n)]))
  const walk = new Walk<FoundRows, FoundPage>(
    { ...whole, ...pass },
    {
      ledger,
      codeOf,
      bytesOf: () => 100,
      monotonicMs: () => 0,
      reader: {
        async page({ after, limit }) {
          limits.push(limit)
          const found = table.filter((n) => after === null || keyOf(n) > after).slice(0, limit)
          const last = found.at(-1)
          const position = last === undefined ? null : keyOf(last)
          return { rows: rowsOf(found), leftOut: [], last: position, isLast: found.length < limit }
        },
        async byKey(keys) {
          return { rows: rowsOf(table.filter((n) => keys.includes(keyOf(n)))) }
        },
      },
      knownRows: async (after, limit, codes) =>
        known
          .filter((n) => codes === null || codes.includes(codeOf(rowOf(n))))
          .map(keyOf)
          .filter((key) => after === null || key > after)
          .slice(0, limit),
      merge: async (found, keys, claim) => {
        const claimed = claim()
        for (const key of keys) merged.push({ key, claim: claimed, found: found.rows.has(key) })
      },
      onEmptyTable: () => {
        empty = true
      },
    },
  )
  return {
    walk,
    ledger,
    merged,
    limits,
    get empty() {
      return empty
    },
    async toTheEnd() {
      while (!walk.isOver) await walk.step()
    },
  }
}

describe('a pass', () => {
  test('brings every row once, in reads that grow, and then what is gone', async () => {
    const set = walkOver(range(1, 3_000), { known: [1, 2_000, 3_001, 3_002] })
    await set.toTheEnd()
    const found = set.merged.filter(({ found }) => found).map(({ key }) => key)
    expect(found).toEqual(range(1, 3_000).map(keyOf))
    expect(set.merged.filter(({ found }) => !found).map(({ key }) => key)).toEqual([3_001, 3_002].map(keyOf))
    expect(set.limits.slice(0, 5)).toEqual([firstPageSize, 100, 200, 400, 500])
  })

  test('is done once every row of it is settled, not once it is read', async () => {
    const { toTheEnd, ledger, merged } = walkOver(range(1, 120))
    await toTheEnd()
    expect(ledger.progress).toMatchObject({ done: false, rowsRead: 0, position: null })
    for (const { claim } of merged.slice(1)) ledger.settle(claim)
    expect(ledger.progress).toMatchObject({ done: false, rowsRead: 0 })
    const [first] = merged
    if (first) ledger.settle(first.claim)
    expect(ledger.progress).toMatchObject({ done: true, rowsRead: 120 })
  })

  test('goes on after what was settled, with reads as large as before', async () => {
    const position = { phase: 'table', after: keyOf(700), pageSize: 400 } as const
    const { toTheEnd, merged, limits } = walkOver(range(1, 1_000), { pass: { position, rowsRead: 700 } })
    await toTheEnd()
    expect(merged[0]?.key).toBe(keyOf(701))
    expect(limits[0]).toBe(400)
  })

  test('of a first run finds nothing gone: what was sent since the slot was made is streamed', async () => {
    const { toTheEnd, merged } = walkOver(range(1, 10), { known: [11], pass: { reason: 'first run' } })
    await toTheEnd()
    expect(merged).toHaveLength(10)
  })

  test('over an empty table says so, and leaves alone what the state knows', async () => {
    const set = walkOver([], { known: range(1, 10) })
    await set.toTheEnd()
    expect([set.empty, set.merged, set.ledger.progress?.done]).toEqual([true, [], true])
  })

  test('over single codes reads the rows that the state knows, and looks for the others in the table', async () => {
    const codes = ['c5', 'c900', 'c7', 'c1001'].map(patientCode)
    const { toTheEnd, merged } = walkOver(range(8, 1_000).concat(5), { known: [5, 6, 7], pass: { codes } })
    await toTheEnd()
    expect(merged.map(({ key, found }) => [key, found])).toEqual([
      [keyOf(5), true],
      [keyOf(7), false],
      [keyOf(900), true],
    ])
  })

  test('over a list of keys reads those alone, found or not, and goes on in the list', async () => {
    const keys = [900, 5, 7, 1_001].map(keyOf)
    const { toTheEnd, merged, limits, ledger } = walkOver(range(6, 1_000), { known: [5, 6, 7], pass: { keys } })
    await toTheEnd()
    expect(merged.map(({ key, found }) => [key, found])).toEqual([
      [keyOf(5), false],
      [keyOf(7), true],
      [keyOf(900), true],
      [keyOf(1_001), false],
    ])
    for (const { claim } of merged) ledger.settle(claim)
    expect([limits, ledger.progress]).toEqual([[], expect.objectContaining({ rowsRead: 4, done: true })])

    const position = { phase: 'state', after: keyOf(7), pageSize: 1 } as const
    const resumed = walkOver(range(6, 1_000), { pass: { keys, position, rowsRead: 2 } })
    await resumed.toTheEnd()
    expect(resumed.merged.map(({ key }) => key)).toEqual([900, 1_001].map(keyOf))
  })

  test('over single codes that the state knows all of does not read the whole table', async () => {
    const { toTheEnd, limits } = walkOver(range(1, 1_000), { known: [5], pass: { codes: [patientCode('c5')] } })
    await toTheEnd()
    expect(limits).toEqual([])
  })
})

describe('the ledger', () => {
  const at = (n: number) => ({ phase: 'table', after: keyOf(n), pageSize: 50 }) as const

  test('stands at the end of the longest prefix of settled pages', () => {
    const ledger = new PassLedger()
    ledger.begin(whole)
    const [first, second] = [ledger.open(at(10), 1, 10), ledger.open(at(20), 1, 10)]
    ledger.settle(second)
    expect(ledger.progress?.position).toBeNull()
    ledger.settle(first)
    expect(ledger.progress).toMatchObject({ position: at(20), rowsRead: 20 })
  })

  test('a row that two pages claim settles the later one at once, and the earlier one when it is settled', () => {
    const ledger = new PassLedger()
    ledger.begin(whole)
    const [first, second] = [ledger.open(at(10), 1, 10), ledger.open(at(20), 1, 10)]
    const joined = ledger.join(second, first)
    expect([joined, ledger.progress?.rowsRead]).toEqual([first, 0])
    ledger.settle(first)
    expect(ledger.progress?.rowsRead).toBe(20)
    expect(() => ledger.settle(first)).toThrow('settled twice')
  })

  test('says what the state does not say yet, and is free for the next pass once the end is stored', () => {
    const ledger = new PassLedger()
    ledger.begin(whole)
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

test('reads become smaller when they take long or bring much, never less than a row', () => {
  const quick = { ms: 1, bytes: 1 }
  expect(nextPageSize({ limit: 50, ...quick })).toBe(100)
  expect(nextPageSize({ limit: 400, ...quick })).toBe(500)
  expect(nextPageSize({ limit: 400, ms: 1_000, bytes: 1 })).toBe(200)
  expect(nextPageSize({ limit: 400, ms: 1, bytes: 9_000_000 })).toBe(200)
  expect(nextPageSize({ limit: 400, ms: 150, bytes: 1 })).toBe(400)
  expect(nextPageSize({ limit: 1, ms: 9_000, bytes: 9_000_000 })).toBe(1)
})
