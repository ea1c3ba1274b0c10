import { expect, test } from 'vitest'
import { Horizon } from '../../src/checkpoint/horizon.ts'
import { lsn } from '../../src/model/lsn.ts'
import type { Position } from '../../src/model/position.ts'

const position = (bytes: number, ordinal = 1): Position => ({ commitLsn: lsn(BigInt(bytes)), ordinal })

test('a request waits until what was received before it stands below the stored horizon', async () => {
  const written: Position[] = []
  let store: () => void = () => undefined
  let received = position(10)
  const horizon = new Horizon({
    durable: null,
    received: () => received,
    write: (to) =>
      new Promise((resolve) => {
        store = () => {
          written.push(to)
          resolve()
        }
      }),
  })
  let left = false
  const first = horizon.raise().then(() => {
    left = true
  })
  received = position(20)
  const second = horizon.raise()
  expect(left).toBe(false)
  store()
  await first
  expect(written).toEqual([position(10)])
  store()
  await second
  expect(written).toEqual([position(10), position(20)])
})

test('nothing is written while nothing newer was received', async () => {
  let writes = 0
  const horizon = new Horizon({
    durable: position(10, 3),
    received: () => position(10, 3),
    write: async () => void writes++,
  })
  await horizon.raise()
  expect(writes).toBe(0)
})

test('a later change of the same transaction raises it', async () => {
  let written: Position | null = null
  const horizon = new Horizon({
    durable: position(10, 3),
    received: () => position(10, 4),
    write: async (to) => {
      written = to
    },
  })
  await horizon.raise()
  expect(written).toEqual(position(10, 4))
})

test('a write that fails lets nothing leave, and the next request tries again', async () => {
  let fails = true
  let writes = 0
  const horizon = new Horizon({
    durable: null,
    received: () => position(10),
    write: async () => {
      writes++
      if (fails) throw new Error('down')
    },
  })
  await expect(horizon.raise()).rejects.toThrow('down')
  fails = false
  await horizon.raise()
  expect(writes).toBe(2)
})
