import { describe, expect, test } from 'vitest'
import type { BatchOutcome } from '../../../../src/delivery/outcome.ts'
import { accepted, letters, sendingScene } from './sending-scene.ts'

const unreachable: BatchOutcome = { kind: 'retry', reason: 'connection', inDoubt: false, status: null }
const pause = (ms: number): BatchOutcome => ({ kind: 'pause', ms })
const single = { batchSize: 1 }

describe('the number of concurrent requests', () => {
  test('is two while answers come immediately', () => {
    const { out, answer } = sendingScene(letters(9), single)
    expect(out()).toEqual(['a', 'b'])
    answer('a', accepted)
    answer('b', accepted)
    expect(out()).toEqual(['c', 'd'])
  })

  test('rises by one with each slow answer, measured from the time its request left', () => {
    const { out, answer } = sendingScene(letters(20), single)
    answer('a', accepted, 1_000)
    expect(out()).toEqual(['b', 'c', 'd'])
    answer('b', accepted)
    expect(out()).toEqual(['c', 'd', 'e', 'f'])
  })

  test('is halved after a failed request, and then rises by one with each accepted one', () => {
    const { out, answer } = sendingScene(letters(20), single)
    answer('a', accepted, 1_000)
    answer('b', accepted)
    answer('c', unreachable)
    expect(out()).toEqual(['d', 'e', 'f'])
    answer('d', accepted)
    expect(out()).toEqual(['e', 'f', 'g'])
  })

  test('is halved once after requests that failed at the same time', () => {
    const { out, answer } = sendingScene(letters(20), single)
    answer('a', accepted, 1_000)
    answer('b', accepted)
    const together = out()
    expect(together).toEqual(['c', 'd', 'e', 'f'])
    for (const request of together) answer(request, unreachable)
    const [trial = ''] = out()
    answer(trial, accepted)
    expect(out()).toHaveLength(3)
  })

  test('is unchanged by a 429, however slow: it does not show how fast the API is', () => {
    const { out, answer } = sendingScene(letters(20), single)
    answer('a', accepted, 1_000)
    for (const refused of ['b', 'c', 'd']) answer(refused, pause(0), 1_000)
    expect(out()).toEqual(['e'])
    answer('e', accepted)
    expect(out()).toEqual(['f', 'g', 'h', 'i'])
  })
})

test('waits exactly as long as the API asks, and sends without a further event', () => {
  const { out, answer, sending, set } = sendingScene(['a'])
  answer('a', pause(30_000))
  expect(sending.nextAtMs(set.nowMs)).toBe(set.nowMs + 30_000)
  set.nowMs += 29_999
  expect(out()).toEqual([])
  set.nowMs += 1
  expect(out()).toEqual(['a'])
})
