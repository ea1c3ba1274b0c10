import { describe, expect, test } from 'vitest'
import { Poison } from '../../../src/delivery/isolation/poison.ts'
import { Share } from '../../../src/delivery/isolation/share.ts'
import type { DeadLetter } from '../../../src/model/progress/stored-row.ts'
import { seededRandom } from '../../../src/model/seeded-random.ts'

function setUp() {
  const refused: number[] = []
  const released: number[] = []
  const letters: DeadLetter[] = []
  const share = new Share()
  const poison = new Poison<number>({
    refuse: (row, letter) => {
      refused.push(row)
      letters.push(letter)
    },
    release: (row) => released.push(row),
    share,
  })
  return { poison, refused, released, letters, share }
}

test('finds a row for which the API fails with 5xx while others are accepted, and rejects no other row', () => {
  const { poison, refused, share } = setUp()
  const delivered: number[] = []
  poison.failed(
    Array.from({ length: 100 }, (_, row) => row),
    500,
  )
  for (let turns = 0; turns < 2_000 && !poison.isIdle; turns++) {
    const rows = poison.next({ waiting: true, inFlight: 0 })
    if (!rows) {
      share.sentOther()
      poison.accepted([1_000])
      continue
    }
    share.sentOurs()
    if (rows.includes(37)) poison.failed(rows, 500)
    else {
      delivered.push(...rows)
      poison.accepted(rows)
    }
  }
  expect(refused).toEqual([37])
  expect(delivered).toHaveLength(99)
})

test('rejects no row during an outage, whatever rows it affects', () => {
  const { poison, refused, released } = setUp()
  for (let batch = 0; batch < 50; batch++) {
    poison.failed([batch], 503)
    const rows = poison.next({ waiting: true, inFlight: 0 })
    if (rows) poison.failed(rows, 503)
  }
  expect(refused).toEqual([])
  expect(released.length).toBeGreaterThan(40)
})

test('repeats a single row while there is no other row to compare with', () => {
  const { poison, refused } = setUp()
  poison.failed([1], 500)
  for (let tries = 0; tries < 20; tries++) {
    const rows = poison.next({ waiting: false, inFlight: 0 })
    expect(rows).toEqual([1])
    poison.failed(rows ?? [], 500)
  }
  expect(refused).toEqual([])
})

test('makes no dead letters if the server fails on one request in ten', () => {
  const { poison, refused, released, share } = setUp()
  const random = seededRandom(7)
  let row = 0
  for (let turns = 0; turns < 20_000; turns++) {
    const rows = poison.next({ waiting: true, inFlight: 0 })
    const batch = rows ?? Array.from({ length: 5 }, () => row++)
    if (rows) share.sentOurs()
    else share.sentOther()
    if (random() < 0.1) poison.failed(batch, 500)
    else poison.accepted(batch)
  }
  expect(refused).toEqual([])
  expect(released.length).toBeLessThan(row / 10)
})

describe('rows for which the API failed with 5xx', () => {
  const alone = { waiting: false, inFlight: 0 }
  const row = [1]

  test('are rejected at the fourth failure of a single row, each with an acceptance in between', () => {
    const { poison, refused, letters } = setUp()
    poison.failed(row, 502)
    for (let times = 2; times <= 4; times++) {
      expect(refused).toEqual([])
      poison.accepted([9])
      const rows = poison.next(alone) ?? []
      poison.failed(rows, 503)
    }
    expect(letters).toEqual([{ reason: 'refused by the API', attributes: [], status: 503 }])
    expect([refused, poison.isIdle]).toEqual([[1], true])
  })

  test('are halved at the second failure of several rows', () => {
    const { poison } = setUp()
    poison.failed([1, 2, 3], 500)
    poison.accepted([9])
    poison.failed(poison.next(alone) ?? [], 500)
    const first = poison.next(alone) ?? []
    poison.accepted(first)
    expect([first, poison.next(alone)]).toEqual([[1, 2], [3]])
  })

  test('are not sent again before an acceptance, while other rows wait or are in flight', () => {
    const { poison } = setUp()
    poison.failed(row, 500)
    expect([poison.next({ waiting: true, inFlight: 0 }), poison.next({ waiting: false, inFlight: 1 })]).toEqual([
      null,
      null,
    ])
    poison.accepted([9])
    expect(poison.next({ waiting: true, inFlight: 1 })).toEqual(row)
    expect([poison.next(alone), poison.isIdle]).toEqual([null, false])
  })

  test('wait with the others again if another request fails as well, without an acceptance in between', () => {
    const { poison, released } = setUp()
    poison.failed(row, 500)
    poison.failed([2, 3], 500)
    expect([released, poison.isIdle]).toEqual([[1, 2, 3], true])
  })

  test('are isolated separately if a request was accepted in between', () => {
    const { poison, released } = setUp()
    poison.failed(row, 500)
    poison.accepted([9])
    poison.failed([2, 3], 500)
    expect([released, poison.next(alone)]).toEqual([[], row])
  })

  test('belong to the caller again after their next attempt was abandoned', () => {
    const { poison, released } = setUp()
    poison.failed(row, 500)
    poison.abandoned(poison.next(alone) ?? [])
    poison.giveUp()
    expect([released, poison.isIdle]).toEqual([[], true])
  })
})
