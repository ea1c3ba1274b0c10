import { afterEach, describe, expect, test, vi } from 'vitest'
import type { BatchOutcome } from '../../src/delivery/dispatcher.ts'
import { answering } from './answering.ts'
import { accepted, dispatching, letters } from './dispatching.ts'

const unreachable: BatchOutcome = { kind: 'retry', reason: 'connection', inDoubt: false, status: null }
const pause = (ms: number): BatchOutcome => ({ kind: 'pause', ms })

describe('how many requests are out', () => {
  test('is two, while answers come at once', async () => {
    const { out, answer, end } = answering(letters(9))
    expect(await out()).toEqual(['a', 'b'])
    await answer('a', accepted)
    await answer('b', accepted)
    expect(await out()).toEqual(['c', 'd'])
    await end()
  })

  test('is one more with each answer that takes long, from when its request left', async () => {
    const { out, answer, end } = answering(letters(20))
    await answer('a', accepted, 1_000)
    expect(await out()).toEqual(['b', 'c', 'd'])
    await answer('b', accepted)
    expect(await out()).toEqual(['c', 'd', 'e', 'f'])
    await end()
  })

  test('is half as many after a request that failed, and then one more with each that is accepted', async () => {
    const { out, answer, end } = answering(letters(20))
    await answer('a', accepted, 1_000)
    await answer('b', accepted)
    await answer('c', unreachable)
    expect(await out()).toEqual(['d', 'e', 'f'])
    await answer('d', accepted)
    expect(await out()).toEqual(['e', 'f', 'g'])
    await end()
  })

  test('is what it was after a 429, however long that took: it tells nothing of how fast the API is', async () => {
    const { out, answer, end } = answering(letters(20))
    await answer('a', accepted, 1_000)
    for (const refused of ['b', 'c', 'd']) await answer(refused, pause(0), 1_000)
    expect(await out()).toEqual(['e'])
    await answer('e', accepted)
    expect(await out()).toEqual(['f', 'g', 'h', 'i'])
    await end()
  })
})

describe('once a permit is there, it is given back and no row is taken', () => {
  test('if this instance may not send any more', async () => {
    const { dispatch, out, end } = answering([])
    let asked = 0
    dispatch.set.horizon = async () => void asked++
    dispatch.set.meanwhile = () => {
      dispatch.set.maySend = false
    }
    dispatch.add('a')
    expect(await out()).toEqual([])
    expect([dispatch.permits, dispatch.log.returned, asked]).toEqual([{ taken: 1, answered: 0, unused: 1 }, [], 0])
    dispatch.set.meanwhile = () => undefined
    dispatch.set.maySend = true
    dispatch.wakeUp.ring()
    expect([await out(), dispatch.errors]).toEqual([['a'], []])
    await end()
  })

  test('if the process is told to end', async () => {
    const { dispatch, out, end } = answering([])
    dispatch.set.meanwhile = () => void dispatch.drain()
    dispatch.add('a')
    expect(await out()).toEqual([])
    await end()
    expect([dispatch.permits.unused, dispatch.log.returned, dispatch.errors]).toEqual([1, [], []])
  })

  test('if an answer that came meanwhile asks everybody to wait; afterwards it is asked for again', async () => {
    const { dispatch, clock, out, answer, end } = answering([])
    const grants: (() => void)[] = []
    dispatch.set.granted = () => new Promise((resolve) => void grants.push(resolve))
    dispatch.add('a')
    await out()
    grants.shift()?.()
    await out()
    dispatch.add('b')
    await answer('a', pause(5_000))
    grants.shift()?.()
    expect([await out(), dispatch.permits, grants]).toEqual([[], { taken: 2, answered: 1, unused: 1 }, []])
    clock.nowMs += 5_000
    dispatch.wakeUp.ring()
    await out()
    grants.shift()?.()
    expect([await out(), dispatch.errors]).toEqual([['b'], []])
    await end()
  })
})

describe('what the API asks to wait', () => {
  afterEach(() => void vi.useRealTimers())

  test('is waited, to the millisecond, and nobody has to ring', async () => {
    vi.useFakeTimers()
    const answers = [pause(30_000)]
    const dispatch = dispatching(['a'], () => answers.shift() ?? accepted)
    await vi.advanceTimersByTimeAsync(29_999)
    expect([dispatch.requests.length, dispatch.permits.taken]).toEqual([1, 1])
    await vi.advanceTimersByTimeAsync(1)
    expect(dispatch.log.accepted).toEqual(['a'])
    await dispatch.drain()
  })
})
