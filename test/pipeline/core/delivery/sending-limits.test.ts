import { describe, expect, test } from 'vitest'
import type { BatchOutcome } from '../../../../src/delivery/outcome.ts'
import { accepted, letters, sendingScene } from './sending-scene.ts'

const unreachable: BatchOutcome = { kind: 'retry', reason: 'connection', inDoubt: false, status: null }
const pause = (ms: number): BatchOutcome => ({ kind: 'pause', ms })
const single = { batchSize: 1 }

describe('how many requests are out', () => {
  test('is two, while answers come immediately', () => {
    const { out, answer } = sendingScene(letters(9), single)
    expect(out()).toEqual(['a', 'b'])
    answer('a', accepted)
    answer('b', accepted)
    expect(out()).toEqual(['c', 'd'])
  })

  test('is one more with each answer that takes long, from when its request left', () => {
    const { out, answer } = sendingScene(letters(20), single)
    answer('a', accepted, 1_000)
    expect(out()).toEqual(['b', 'c', 'd'])
    answer('b', accepted)
    expect(out()).toEqual(['c', 'd', 'e', 'f'])
  })

  test('is half as many after a request that failed, and then one more with each that is accepted', () => {
    const { out, answer } = sendingScene(letters(20), single)
    answer('a', accepted, 1_000)
    answer('b', accepted)
    answer('c', unreachable)
    expect(out()).toEqual(['d', 'e', 'f'])
    answer('d', accepted)
    expect(out()).toEqual(['e', 'f', 'g'])
  })

  test('is what it was after a 429, however long that took: it tells nothing of how fast the API is', () => {
    const { out, answer } = sendingScene(letters(20), single)
    answer('a', accepted, 1_000)
    for (const refused of ['b', 'c', 'd']) answer(refused, pause(0), 1_000)
    expect(out()).toEqual(['e'])
    answer('e', accepted)
    expect(out()).toEqual(['f', 'g', 'h', 'i'])
  })
})

test('what the API asks to wait is waited, to the millisecond, and only time is needed', () => {
  const { out, answer, sending, set } = sendingScene(['a'])
  answer('a', pause(30_000))
  expect(sending.nextAtMs(set.nowMs)).toBe(set.nowMs + 30_000)
  set.nowMs += 29_999
  expect(out()).toEqual([])
  set.nowMs += 1
  expect(out()).toEqual(['a'])
})
