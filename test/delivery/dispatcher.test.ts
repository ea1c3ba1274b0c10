import { describe, expect, test } from 'vitest'
import type { BatchOutcome } from '../../src/delivery/dispatcher.ts'
import { WakeUp } from '../../src/lifecycle/wake-up.ts'
import { until } from '../support/until.ts'
import { accepted, dispatching, letters } from './dispatching.ts'

test('a batch is cut when the quota grants it, so what came meanwhile is in it', async () => {
  const asked = new WakeUp()
  let grant: () => void = () => undefined
  const dispatch = dispatching([], () => accepted)
  dispatch.set.granted = () => {
    asked.ring()
    return new Promise((resolve) => {
      grant = resolve
    })
  }
  dispatch.add('a')
  await asked.heard()
  dispatch.add('b')
  grant()
  await dispatch.done(2)
  await dispatch.drain()
  expect(dispatch.requests).toEqual([['a', 'b']])
})

test('no request holds more than a batch, and no more are in flight than allowed', async () => {
  const dispatch = dispatching(letters(20), () => new Promise((resolve) => setImmediate(resolve, accepted)))
  await dispatch.done(20)
  await dispatch.drain()
  expect(Math.max(...dispatch.requests.map((codes) => codes.length))).toBe(4)
  expect(dispatch.mostInFlight).toBe(2)
  expect(dispatch.permits.taken).toBe(dispatch.permits.answered + dispatch.permits.unused)
})

test('a bad row is found and set aside; the others are delivered', async () => {
  const refusal: BatchOutcome = { kind: 'isolate', status: 422, named: [] }
  const dispatch = dispatching(letters(4), (codes) => (codes.includes('c') ? refusal : accepted))
  await dispatch.done(4)
  await dispatch.drain()
  expect(dispatch.log.refused).toEqual(['c'])
  expect(dispatch.log.accepted.toSorted()).toEqual(['a', 'b', 'd'])
  expect(dispatch.requests.length).toBeLessThanOrEqual(4)
})

test('a batch that is too large for the API is split', async () => {
  const dispatch = dispatching(letters(4), (codes) => (codes.length > 1 ? { kind: 'split' } : accepted))
  await dispatch.done(4)
  await dispatch.drain()
  expect(dispatch.log.refused).toEqual([])
})

test('an answer that never came leaves the rows in doubt; a 429 does not', async () => {
  const answers: BatchOutcome[] = [
    { kind: 'retry', reason: 'timeout', inDoubt: true, status: null },
    { kind: 'pause', ms: 0 },
    accepted,
  ]
  const dispatch = dispatching(['a'], () => answers.shift() ?? accepted)
  await dispatch.done(1)
  await dispatch.drain()
  expect(dispatch.log).toEqual({ accepted: ['a'], refused: [], lost: ['a'], returned: ['a'], doubted: [] })
})

test('nothing leaves while this instance may not send', async () => {
  const dispatch = dispatching(['a'], () => accepted)
  dispatch.set.maySend = false
  dispatch.set.granted = async () => {
    dispatch.set.maySend = false
  }
  dispatch.wakeUp.ring()
  await dispatch.drain()
  expect(dispatch.requests).toEqual([])
})

test('nothing leaves before the horizon is stored, and what could not leave waits again', async () => {
  const dispatch = dispatching([], () => accepted)
  let fails = true
  dispatch.set.horizon = async () => {
    if (fails) {
      fails = false
      throw new Error('the state is down')
    }
  }
  dispatch.add('a')
  await dispatch.done(1)
  await dispatch.drain()
  expect(dispatch.log.returned).toEqual(['a'])
  expect(dispatch.requests).toEqual([['a']])
})

test('draining waits for the answer of what is in flight and sends nothing new', async () => {
  let answer: (outcome: BatchOutcome) => void = () => undefined
  let sent: () => void = () => undefined
  const isSent = new Promise<void>((resolve) => (sent = resolve))
  const dispatch = dispatching(['a'], () => {
    sent()
    return new Promise((resolve) => (answer = resolve))
  })
  await isSent
  const drained = dispatch.drain()
  dispatch.add('b')
  answer(accepted)
  await drained
  expect(dispatch.log.accepted).toEqual(['a'])
  expect(dispatch.requests).toEqual([['a']])
})

test('an instance that may no longer send once the quota grants a request gives the permit back', async () => {
  const dispatch = dispatching([], () => accepted)
  dispatch.set.granted = async () => {
    dispatch.set.maySend = false
  }
  dispatch.add('a')
  await until(() => dispatch.permits.unused > 0 || dispatch.requests.length > 0)
  await dispatch.drain()
  expect([dispatch.requests, dispatch.permits.unused]).toEqual([[], 1])
})

test('an instance that may no longer send once the horizon is stored lets its rows wait again', async () => {
  const dispatch = dispatching([], () => accepted)
  dispatch.set.horizon = async () => {
    dispatch.set.maySend = false
  }
  dispatch.add('a')
  await until(() => dispatch.log.returned.length > 0 || dispatch.requests.length > 0)
  await dispatch.drain()
  expect([dispatch.requests, dispatch.log.returned]).toEqual([[], ['a']])
})

test('draining does not end before an answer, and what a bad row is still looked for among waits again', async () => {
  let answer: (outcome: BatchOutcome) => void = () => undefined
  const dispatch = dispatching(letters(4), () => new Promise((resolve) => (answer = resolve)))
  await until(() => dispatch.requests.length > 0)
  let over = false
  const drained = dispatch.drain().then(() => {
    over = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(over).toBe(false)
  answer({ kind: 'isolate', status: 422, named: [] })
  await drained
  expect(dispatch.log.returned).toEqual(letters(4))
})

test('a request that the API broke at is sent again, though nothing waits but newer versions of its own rows', async () => {
  const answers: BatchOutcome[] = [{ kind: 'retry', reason: 'status 503', inDoubt: true, status: 503 }]
  const dispatch = dispatching(['a'], () => answers.shift() ?? accepted)
  dispatch.set.untakeable = 1
  await dispatch.done(1)
  await dispatch.drain()
  expect(dispatch.log.accepted).toEqual(['a'])
  // Since that answer, whatever becomes of the next try.
  expect(dispatch.log.doubted).toEqual(['a'])
})

test('good rows that the API broke at once are sent again, though all that waits beside them is refused', async () => {
  const broken: BatchOutcome = { kind: 'retry', reason: 'status 500', inDoubt: true, status: 500 }
  const refusal: BatchOutcome = { kind: 'isolate', status: 422, named: [] }
  const first = [broken]
  const dispatch = dispatching(['good'], (codes) => {
    const outcome = first.shift()
    if (outcome) for (const bad of ['x', 'y', 'z']) dispatch.add(bad)
    return outcome ?? (codes.length === 1 && codes[0] === 'good' ? accepted : refusal)
  })
  await dispatch.done(1)
  await dispatch.drain()
  expect(dispatch.log.accepted).toEqual(['good'])
})

describe('what an answer means for the API as a whole', () => {
  test.each<[BatchOutcome, readonly [string | null, string | null], 'lost' | 'returned' | 'doubted']>([
    [{ kind: 'retry', reason: 'timeout', inDoubt: true, status: null }, ['outage', 'timeout'], 'lost'],
    [{ kind: 'retry', reason: 'connection', inDoubt: false, status: null }, ['outage', 'connection'], 'returned'],
    [{ kind: 'retry', reason: 'status 408', inDoubt: true, status: 408 }, ['outage', 'status 408'], 'lost'],
    [{ kind: 'retry', reason: 'status 500', inDoubt: true, status: 500 }, ['outage', 'status 500'], 'doubted'],
    [{ kind: 'pause', ms: 0 }, ['rate limited', 'the API answered 429'], 'returned'],
    [{ kind: 'halt', reason: 'key refused', status: 401 }, ['halted', 'key refused'], 'returned'],
  ])('is told with the batch, and over with the next acceptance: %j', async (outcome, trouble, becomes) => {
    const answers = [outcome]
    const dispatch = dispatching(['a'], () => answers.shift() ?? accepted)
    await dispatch.done(1)
    await dispatch.drain()
    expect(dispatch.batches).toEqual([
      ['a', outcome.kind, ...trouble],
      ['a', 'accepted', null, null],
    ])
    const { lost, returned, doubted } = dispatch.log
    expect({ lost, returned, doubted }).toEqual({ ...{ lost: [], returned: [], doubted: [] }, [becomes]: ['a'] })
    expect(dispatch.dispatcher.trouble).toBeNull()
  })

  test('is that nothing gets through, if every patient is refused alike: that is said, and nobody is set aside', async () => {
    const refusal: BatchOutcome = { kind: 'isolate', status: 422, named: [] }
    const dispatch = dispatching(letters(12), () => new Promise((resolve) => setImmediate(resolve, refusal)))
    await until(() => dispatch.rejected.length > 0)
    expect(dispatch.dispatcher.trouble?.kind).toBe('rejecting')
    await dispatch.drain()
    expect([dispatch.rejected[0], dispatch.log.refused]).toEqual([422, []])
  })

  test('is nothing, if one row is too large: it is set aside with that reason', async () => {
    const dispatch = dispatching(letters(3), (codes) => (codes.includes('b') ? { kind: 'split' } : accepted))
    await dispatch.done(3)
    await dispatch.drain()
    expect(dispatch.letters).toEqual([['b', 'too large', 413]])
    expect(dispatch.dispatcher.trouble).toBeNull()
  })
})

test('a row that is refused is set aside with the status of the refusal', async () => {
  const refusal: BatchOutcome = { kind: 'isolate', status: 400, named: [{ index: 1, attribute: 'email' }] }
  const dispatch = dispatching(letters(3), (codes) => (codes.includes('b') ? refusal : accepted))
  await dispatch.done(3)
  await dispatch.drain()
  expect(dispatch.letters).toEqual([['b', 'refused by the API', 400]])
})

test('a state that cannot be written is an outage, with its error, and the permit was not used', async () => {
  const dispatch = dispatching([], () => accepted)
  const down = new Error('the state is down')
  let trouble: unknown = null
  dispatch.set.horizon = () => new Promise((_, reject) => setImmediate(reject, down))
  dispatch.add('a')
  await until(() => dispatch.errors.length > 0)
  trouble = dispatch.dispatcher.trouble
  await dispatch.drain()
  expect(dispatch.errors[0]).toBe(down)
  expect(trouble).toMatchObject({ kind: 'outage', reason: 'the state cannot be written' })
  expect([dispatch.requests, dispatch.permits.answered]).toEqual([[], 0])
  expect(dispatch.permits.unused).toBeGreaterThan(0)
})

test('how many requests are in flight is told, from when they leave until they are answered', async () => {
  let answer: (outcome: BatchOutcome) => void = () => undefined
  const dispatch = dispatching(['a'], () => new Promise((resolve) => (answer = resolve)))
  await until(() => dispatch.requests.length > 0)
  expect(dispatch.dispatcher.requestsInFlight).toBe(1)
  answer(accepted)
  await dispatch.done(1)
  await dispatch.drain()
  expect(dispatch.dispatcher.requestsInFlight).toBe(0)
})

test('draining gives back what the API broke at: it may have been applied', async () => {
  const broken: BatchOutcome = { kind: 'retry', reason: 'status 503', inDoubt: true, status: 503 }
  const dispatch = dispatching(letters(2), () => new Promise((resolve) => setImmediate(resolve, broken)))
  await until(() => dispatch.batches.length > 0)
  await dispatch.drain()
  expect(dispatch.log.lost).toEqual(['a', 'b'])
})
