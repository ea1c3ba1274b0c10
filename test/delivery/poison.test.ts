import { expect, test } from 'vitest'
import { Poison } from '../../src/delivery/poison.ts'
import { Share } from '../../src/delivery/share.ts'
import { seededRandom } from '../../src/sandbox/seeded-random.ts'

function setUp() {
  const refused: number[] = []
  const released: number[] = []
  const share = new Share()
  const poison = new Poison<number>({
    refuse: (row) => refused.push(row),
    release: (row) => released.push(row),
    share,
  })
  return { poison, refused, released, share }
}

test('a row at which the API breaks is found while others are accepted, and nobody else is set aside', () => {
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

test('an outage sets nobody aside, whatever it fails on', () => {
  const { poison, refused, released } = setUp()
  for (let batch = 0; batch < 50; batch++) {
    poison.failed([batch], 503)
    const rows = poison.next({ waiting: true, inFlight: 0 })
    if (rows) poison.failed(rows, 503)
  }
  expect(refused).toEqual([])
  expect(released.length).toBeGreaterThan(40)
})

test('a single row that nobody else can be compared with is tried again and again', () => {
  const { poison, refused } = setUp()
  poison.failed([1], 500)
  for (let tries = 0; tries < 20; tries++) {
    const rows = poison.next({ waiting: false, inFlight: 0 })
    expect(rows).toEqual([1])
    poison.failed(rows ?? [], 500)
  }
  expect(refused).toEqual([])
})

test('a server that fails on one request in ten makes next to no dead letters', () => {
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
