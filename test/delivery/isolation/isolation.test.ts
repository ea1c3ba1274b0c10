import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Isolation } from '../../../src/delivery/isolation/isolation.ts'
import { ProbeShare } from '../../../src/delivery/isolation/probe-share.ts'
import type { Refusal } from '../../../src/delivery/isolation/refusal.ts'
import { seededRandom } from '../../../src/model/seeded-random.ts'

const runs = Number(process.env.ISOLATION_RUNS ?? 3_000)

type Hints = 'errors' | 'first error only' | 'none'

/** Delivers a pool of rows to an API that refuses the bad ones, one request at a time, until nothing is left or sending halts. */
function deliver({ rows, bad, hints = 'none' }: { rows: number; bad: (row: number) => boolean; hints?: Hints }) {
  const pool = Array.from({ length: rows }, (_, row) => row)
  const delivered: number[] = []
  const refused: number[] = []
  let halted = false
  const probeShare = new ProbeShare()
  const isolation = new Isolation<number>({
    refuse: (row) => refused.push(row),
    release: (row) => pool.push(row),
    halt: () => {
      halted = true
    },
    keyOf: String,
    probeShare,
    random: seededRandom(3),
  })
  let requests = 0
  for (let turns = 0; turns < 5_000 && !halted && (pool.length > 0 || !isolation.isIdle); turns++) {
    const turn = isolation.next({ waiting: pool.length > 0, inFlight: 0 })
    if (turn === 'nothing') continue
    const batch = turn === 'others' ? pool.splice(0, 100) : turn
    if (batch.length === 0) continue
    if (turn === 'others') probeShare.sentOther()
    else probeShare.sentOurs()
    requests++
    const wrong = batch.flatMap((row, index) => (bad(row) ? [{ index, attribute: 'gender' }] : []))
    if (wrong.length === 0) {
      delivered.push(...batch)
      isolation.accepted(batch)
    } else {
      const named: Refusal['named'] = hints === 'none' ? [] : hints === 'errors' ? wrong : wrong.slice(0, 1)
      isolation.refused(batch, { reason: 'refused', status: 422, named })
    }
  }
  return {
    requests,
    delivered: delivered.toSorted((a, b) => a - b),
    refused: refused.toSorted((a, b) => a - b),
    halted,
  }
}

const all = (rows: number) => Array.from({ length: rows }, (_, row) => row)
const outcomeOf = (rows: number, bad: ReadonlySet<number>) => ({
  delivered: all(rows).filter((row) => !bad.has(row)),
  refused: [...bad].toSorted((a, b) => a - b),
  halted: false,
})

describe('bad rows in a batch of a hundred', () => {
  const some = (count: number) =>
    fc.uniqueArray(fc.nat(99), { minLength: count, maxLength: count }).map((rows) => new Set(rows))

  test('that the answer names take two requests, whatever their number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }).chain(some), (bad) => {
        const result = deliver({ rows: 100, bad: (row) => bad.has(row), hints: 'errors' })
        expect(result).toEqual({ ...outcomeOf(100, bad), requests: 2 })
      }),
    )
  })

  test('of which each answer names the first take one request each, and one for the rest', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }).chain(some), (bad) => {
        // Bad rows at the front suggest that everything is refused, and cost one request more.
        fc.pre(!all(5).every((row) => bad.has(row)))
        const result = deliver({ rows: 100, bad: (row) => bad.has(row), hints: 'first error only' })
        expect(result).toEqual({ ...outcomeOf(100, bad), requests: bad.size + 1 })
      }),
    )
  })

  test.each([
    [1, 9],
    [2, 17],
    [5, 41],
  ])('that no answer names, %i of them, take at most %i requests', (count, most) => {
    let halts = 0
    fc.assert(
      fc.property(some(count), (bad) => {
        const { requests, ...result } = deliver({ rows: 100, bad: (row) => bad.has(row) })
        // A search that happens to pick three bad rows, and no other, assumes that all are bad. It continues after a pause.
        if (result.halted) halts++
        else expect(result).toEqual(outcomeOf(100, bad))
        expect(requests).toBeLessThanOrEqual(most)
      }),
      { numRuns: runs, examples: [[new Set(all(count))], [new Set(all(count).map((row) => 99 - row))]] },
    )
    expect(halts).toBeLessThanOrEqual(count > 2 ? 30 : 0)
  })
})

test('rejects each bad row and delivers every other one, whatever their number', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 400 }),
      fc.uniqueArray(fc.nat(399), { minLength: 1, maxLength: 150 }),
      fc.constantFrom<Hints>('errors', 'first error only', 'none'),
      (rows, marks, hints) => {
        const bad = new Set(marks.filter((row) => row < rows && row % 3 !== 0))
        const { requests: _, ...result } = deliver({ rows, bad: (row) => bad.has(row), hints })
        // A table without a good row looks like an API that refuses everything.
        if (!result.halted) expect(result).toEqual(outcomeOf(rows, bad))
        else expect(result.refused).toEqual([])
      },
    ),
  )
})

describe('an API that refuses everything alike', () => {
  test.each<[Hints, number]>([
    ['errors', 100],
    ['errors', 10_000],
    ['first error only', 100],
    ['first error only', 10_000],
    ['none', 100],
    ['none', 10_000],
    ['none', 2],
  ])('halts sending within ten requests and rejects no row: %s, %i rows', (hints, rows) => {
    const result = deliver({ rows, bad: () => true, hints })
    expect(result).toMatchObject({ halted: true, refused: [], delivered: [] })
    expect(result.requests).toBeLessThanOrEqual(10)
  })

  test('takes two requests more with eight concurrent requests', () => {
    let halted = false
    const isolation = new Isolation<number>({
      refuse: () => expect.fail('rejected'),
      release: () => undefined,
      halt: () => {
        halted = true
      },
      keyOf: String,
      probeShare: new ProbeShare(),
      random: () => 0.5,
    })
    const refusal = { reason: 'refused', status: 422, named: [] } as const
    for (let batch = 0; batch < 8; batch++) isolation.refused(all(100), refusal)
    let more = 0
    for (; !halted && more < 10; more++) {
      const turn = isolation.next({ waiting: true, inFlight: 0 })
      if (typeof turn === 'string') more--
      else isolation.refused(turn, refusal)
    }
    expect(more).toBeLessThanOrEqual(3)
  })
})

test('a single refused row is rejected once, and its next versions too, but not a second row refused alike', () => {
  const refused: string[] = []
  let halts = 0
  const isolation = new Isolation<{ id: string }>({
    refuse: ({ id }) => refused.push(id),
    release: () => undefined,
    halt: () => halts++,
    keyOf: ({ id }) => id,
    probeShare: new ProbeShare(),
    random: () => 0.5,
  })
  const refusal = { reason: 'refused', status: 422, named: [] } as const
  for (const id of ['a', 'a', 'b']) {
    isolation.refused([{ id }], refusal)
    isolation.next({ waiting: false, inFlight: 0 })
  }
  expect([refused, halts]).toEqual([['a', 'a'], 1])
  isolation.accepted([{ id: 'c' }])
  isolation.refused([{ id: 'b' }], refusal)
  isolation.next({ waiting: false, inFlight: 0 })
  expect(refused).toEqual(['a', 'a', 'b'])
})

test('finds many bad rows that are refused alone, one after another, though a good one comes rarely', () => {
  const pool = Array.from({ length: 12 }, (_, row) => row)
  const refused: number[] = []
  const isolation = new Isolation<number>({
    refuse: (row) => refused.push(row),
    release: (row) => pool.push(row),
    halt: () => undefined,
    keyOf: String,
    probeShare: new ProbeShare(),
    random: () => 0.5,
  })
  const good = -1
  for (let turn = 1; refused.length < 12 && turn < 1_000; turn++) {
    if (turn % 20 === 0) pool.unshift(good)
    const next = isolation.next({ waiting: pool.length > 0, inFlight: 0 })
    if (next === 'nothing') continue
    const rows = next === 'others' ? pool.splice(0, 1) : next
    if (rows.includes(good)) isolation.accepted(rows)
    else if (rows.length > 0) isolation.refused(rows, { reason: 'refused', status: 422, named: [] })
  }
  expect(refused.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, row) => row))
})

test('rejects rows that are named whenever they are sent, once another request was accepted in between', () => {
  const refused: number[] = []
  let halts = 0
  const isolation = new Isolation<number>({
    refuse: (row) => refused.push(row),
    release: () => undefined,
    halt: () => halts++,
    keyOf: String,
    probeShare: new ProbeShare(),
    random: () => 0.5,
  })
  const named = [0, 1].map((index) => ({ index, attribute: 'plan' }))
  for (let turn = 0; turn < 2; turn++) {
    isolation.refused([1, 2], { reason: 'refused', status: 422, named })
    isolation.next({ waiting: false, inFlight: 0 })
    isolation.accepted([9])
  }
  expect([halts, refused]).toEqual([1, [1, 2]])
})

test('uses at most a fifth of the requests while other rows wait', () => {
  const probeShare = new ProbeShare()
  const isolation = new Isolation<number>({
    refuse: () => undefined,
    release: () => undefined,
    halt: () => undefined,
    keyOf: String,
    probeShare,
    random: () => 0.5,
  })
  isolation.refused(all(100), { reason: 'refused', status: 422, named: [] })
  isolation.accepted([1_000])
  const turns: boolean[] = []
  for (let left = 30; left > 0; left--) {
    const turn = isolation.next({ waiting: true, inFlight: 0 })
    if (typeof turn === 'string') probeShare.sentOther()
    else probeShare.sentOurs()
    turns.push(typeof turn !== 'string')
    if (typeof turn !== 'string') isolation.refused(turn, { reason: 'refused', status: 422, named: [] })
  }
  expect(turns.filter(Boolean).length).toBeGreaterThan(3)
  for (let at = 0; at + 5 <= turns.length; at++)
    expect(turns.slice(at, at + 5).filter(Boolean).length).toBeLessThanOrEqual(1)
})

test('halves a batch that is too large, and rejects a single row that is too large', () => {
  const refused: unknown[] = []
  const isolation = new Isolation<number>({
    refuse: (row, letter) => refused.push([row, letter.reason]),
    release: () => undefined,
    halt: () => expect.fail('halted'),
    keyOf: String,
    probeShare: new ProbeShare(),
    random: () => 0.5,
  })
  isolation.accepted([9])
  isolation.refused([1, 2], { reason: 'too large', status: 413, named: [] })
  const first = isolation.next({ waiting: false, inFlight: 0 })
  expect(first).toEqual([1])
  isolation.refused(first as readonly number[], { reason: 'too large', status: 413, named: [] })
  const second = isolation.next({ waiting: false, inFlight: 0 })
  isolation.accepted(second as readonly number[])
  expect(refused).toEqual([[1, 'too large']])
  expect(isolation.isIdle).toBe(true)
})
