import { describe, expect, test } from 'vitest'
import { ProbeShare } from '../../../src/delivery/isolation/probe-share.ts'
import { ServerErrorIsolation } from '../../../src/delivery/isolation/server-error-isolation.ts'
import type { DeadLetter } from '../../../src/model/progress/stored-row.ts'
import { seededRandom } from '../../../src/model/seeded-random.ts'

function setUp() {
  const refused: number[] = []
  const released: number[] = []
  const letters: DeadLetter[] = []
  const probeShare = new ProbeShare()
  const isolation = new ServerErrorIsolation<number>({
    refuse: (row, letter) => {
      refused.push(row)
      letters.push(letter)
    },
    release: (row) => released.push(row),
    probeShare,
  })
  return { isolation, refused, released, letters, probeShare }
}

test('finds a row for which the API fails with 5xx while others are accepted, and rejects no other row', () => {
  const { isolation, refused, probeShare } = setUp()
  const delivered: number[] = []
  isolation.failed(
    Array.from({ length: 100 }, (_, row) => row),
    500,
  )
  for (let turns = 0; turns < 2_000 && !isolation.isIdle; turns++) {
    const rows = isolation.next({ waiting: true, inFlight: 0 })
    if (!rows) {
      probeShare.sentOther()
      isolation.accepted([1_000])
      continue
    }
    probeShare.sentOurs()
    if (rows.includes(37)) isolation.failed(rows, 500)
    else {
      delivered.push(...rows)
      isolation.accepted(rows)
    }
  }
  expect(refused).toEqual([37])
  expect(delivered).toHaveLength(99)
})

test('rejects no row during an outage, whatever rows it affects', () => {
  const { isolation, refused, released } = setUp()
  for (let batch = 0; batch < 50; batch++) {
    isolation.failed([batch], 503)
    const rows = isolation.next({ waiting: true, inFlight: 0 })
    if (rows) isolation.failed(rows, 503)
  }
  expect(refused).toEqual([])
  expect(released.length).toBeGreaterThan(40)
})

test('repeats a single row while there is no other row to compare with', () => {
  const { isolation, refused } = setUp()
  isolation.failed([1], 500)
  for (let tries = 0; tries < 20; tries++) {
    const rows = isolation.next({ waiting: false, inFlight: 0 })
    expect(rows).toEqual([1])
    isolation.failed(rows ?? [], 500)
  }
  expect(refused).toEqual([])
})

test('makes no dead letters if the server fails on one request in ten', () => {
  const { isolation, refused, released, probeShare } = setUp()
  const random = seededRandom(7)
  let row = 0
  for (let turns = 0; turns < 20_000; turns++) {
    const rows = isolation.next({ waiting: true, inFlight: 0 })
    const batch = rows ?? Array.from({ length: 5 }, () => row++)
    if (rows) probeShare.sentOurs()
    else probeShare.sentOther()
    if (random() < 0.1) isolation.failed(batch, 500)
    else isolation.accepted(batch)
  }
  expect(refused).toEqual([])
  expect(released.length).toBeLessThan(row / 10)
})

describe('rows for which the API failed with 5xx', () => {
  const alone = { waiting: false, inFlight: 0 }
  const row = [1]

  test('are rejected at the fourth failure of a single row, each with an acceptance in between', () => {
    const { isolation, refused, letters } = setUp()
    isolation.failed(row, 502)
    for (let times = 2; times <= 4; times++) {
      expect(refused).toEqual([])
      isolation.accepted([9])
      const rows = isolation.next(alone) ?? []
      isolation.failed(rows, 503)
    }
    expect(letters).toEqual([{ reason: 'refused by the API', attributes: [], status: 503 }])
    expect([refused, isolation.isIdle]).toEqual([[1], true])
  })

  test('are halved at the second failure of several rows', () => {
    const { isolation } = setUp()
    isolation.failed([1, 2, 3], 500)
    isolation.accepted([9])
    isolation.failed(isolation.next(alone) ?? [], 500)
    const first = isolation.next(alone) ?? []
    isolation.accepted(first)
    expect([first, isolation.next(alone)]).toEqual([[1, 2], [3]])
  })

  test('are not sent again before an acceptance, while other rows wait or are in flight', () => {
    const { isolation } = setUp()
    isolation.failed(row, 500)
    expect([isolation.next({ waiting: true, inFlight: 0 }), isolation.next({ waiting: false, inFlight: 1 })]).toEqual([
      null,
      null,
    ])
    isolation.accepted([9])
    expect(isolation.next({ waiting: true, inFlight: 1 })).toEqual(row)
    expect([isolation.next(alone), isolation.isIdle]).toEqual([null, false])
  })

  test('wait with the others again if another request fails as well, without an acceptance in between', () => {
    const { isolation, released } = setUp()
    isolation.failed(row, 500)
    isolation.failed([2, 3], 500)
    expect([released, isolation.isIdle]).toEqual([[1, 2, 3], true])
  })

  test('are isolated separately if a request was accepted in between', () => {
    const { isolation, released } = setUp()
    isolation.failed(row, 500)
    isolation.accepted([9])
    isolation.failed([2, 3], 500)
    expect([released, isolation.next(alone)]).toEqual([[], row])
  })

  test('belong to the caller again after their next attempt was abandoned', () => {
    const { isolation, released } = setUp()
    isolation.failed(row, 500)
    isolation.abandoned(isolation.next(alone) ?? [])
    isolation.giveUp()
    expect([released, isolation.isIdle]).toEqual([[], true])
  })
})
