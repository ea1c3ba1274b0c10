import { describe, expect, test } from 'vitest'
import type { BatchOutcome } from '../../../../src/delivery/outcome.ts'
import { accepted, broken, letters, refusal, sendingScene } from './sending-scene.ts'

test('takes the rows of a batch when the quota grants the permit, so that rows that came in the meantime are in it', () => {
  const scene = sendingScene(['a'])
  scene.set.grants = false
  expect(scene.out()).toEqual([])
  scene.add('b')
  scene.grant()
  expect(scene.out()).toEqual(['ab'])
})

test('sends no more rows than a batch, no more requests than allowed, and uses or returns every permit', () => {
  const scene = sendingScene(letters(20), { maxInFlight: 2 })
  scene.settle(20, () => accepted)
  expect(Math.max(...scene.requests.map(({ length }) => length))).toBe(4)
  expect(scene.set.maxOut).toBe(2)
  expect(scene.permits.granted).toBe(scene.permits.used + scene.permits.returned)
})

test('finds and rejects a bad row, and delivers the others', () => {
  const scene = sendingScene(letters(4))
  scene.settle(4, (codes) => (codes.includes('c') ? refusal : accepted))
  expect(scene.log.refused).toEqual(['c'])
  expect(scene.log.accepted.toSorted()).toEqual(['a', 'b', 'd'])
  expect(scene.requests.length).toBeLessThanOrEqual(4)
})

test('splits a batch that is too large for the API', () => {
  const scene = sendingScene(letters(4))
  scene.settle(4, (codes) => (codes.length > 1 ? { kind: 'split' } : accepted))
  expect(scene.log.refused).toEqual([])
})

test('puts rows in doubt after an unanswered request, but not after a 429', () => {
  const answers: BatchOutcome[] = [
    { kind: 'retry', reason: 'timeout', inDoubt: true, status: null },
    { kind: 'pause', ms: 0 },
  ]
  const scene = sendingScene(['a'])
  scene.settle(1, () => answers.shift() ?? accepted)
  expect(scene.log).toEqual({ accepted: ['a'], refused: [], lost: ['a'], returned: ['a'], doubted: [] })
})

describe('nothing is sent', () => {
  test('while this instance may not send: it does not even request a permit', () => {
    const scene = sendingScene(['a'])
    scene.sending.activate(false)
    expect([scene.out(), scene.permits.granted]).toEqual([[], 0])
  })

  test('during the hold', () => {
    const scene = sendingScene(['a'])
    scene.set.isSendingHeld = true
    expect([scene.out(), scene.permits.granted]).toEqual([[], 0])
    scene.set.isSendingHeld = false
    expect(scene.out()).toEqual(['a'])
  })
})

describe('the write before a batch leaves', () => {
  test('delays the batch, whose request counts as in flight', () => {
    const scene = sendingScene(['a'])
    scene.set.write = 7
    scene.set.stored = 6
    expect([scene.out(), scene.sending.requestsInFlight]).toEqual([[], 1])
    scene.set.stored = 7
    expect(scene.out()).toEqual(['a'])
  })

  test('returns the batch if it fails: the outage is reported, the permit is returned, and the batch is sent later', () => {
    const scene = sendingScene(['a'])
    scene.set.write = 1
    expect(scene.out()).toEqual([])
    scene.sending.writeFailed(scene.set.nowMs)
    expect(scene.sending.trouble).toMatchObject({ kind: 'store outage', reason: 'the state cannot be written' })
    expect(scene.log.returned).toEqual(['a'])
    scene.set.write = null
    scene.settle(1, () => accepted)
    expect(scene.requests).toEqual(['a'])
    expect(scene.permits).toEqual({ granted: 2, used: 1, returned: 1 })
  })

  test('delays only the batches that wait for it', () => {
    const scene = sendingScene(letters(8), { maxInFlight: 2 })
    scene.set.write = 1
    scene.set.grants = false
    scene.run()
    scene.grant()
    scene.run()
    scene.set.write = null
    scene.grant()
    expect(scene.out()).toEqual(['efgh'])
    scene.sending.writeFailed(scene.set.nowMs)
    expect([scene.log.returned, scene.out()]).toEqual([['a', 'b', 'c', 'd'], ['efgh']])
  })
})

describe('the lease', () => {
  test('that ends too early delays a batch whose write is stored, until another write begins it again', () => {
    const scene = sendingScene(['a'])
    scene.set.write = 1
    expect(scene.out()).toEqual([])
    Object.assign(scene.set, { stored: 1, mayLeave: false, nextWrite: 2 })
    expect([scene.out(), scene.sending.requestsInFlight]).toEqual([[], 1])
    Object.assign(scene.set, { stored: 2, mayLeave: true })
    expect(scene.out()).toEqual(['a'])
  })

  test('delays a batch that needs no other write', () => {
    const scene = sendingScene(['a'])
    Object.assign(scene.set, { mayLeave: false, nextWrite: 1 })
    expect([scene.out(), scene.sending.requestsInFlight]).toEqual([[], 1])
    Object.assign(scene.set, { stored: 1, mayLeave: true })
    expect(scene.out()).toEqual(['a'])
  })

  test('is needed only by requests without an answer', () => {
    const scene = sendingScene(['a'])
    const answers: BatchOutcome[] = [
      { kind: 'retry', reason: 'status 503', inDoubt: true, status: 503 },
      { kind: 'retry', reason: 'connection', inDoubt: false, status: null },
      { kind: 'retry', reason: 'timeout', inDoubt: true, status: null },
    ]
    scene.settle(1, () => answers.shift() ?? accepted)
    expect(scene.set.lost).toBe(1)
  })
})

describe('a granted permit is returned, and no row is taken', () => {
  test('if this instance may not send any more', () => {
    const scene = sendingScene(['a'])
    scene.set.grants = false
    scene.run()
    scene.sending.activate(false)
    scene.grant()
    expect(scene.out()).toEqual([])
    expect([scene.permits, scene.log.returned]).toEqual([{ granted: 1, used: 0, returned: 1 }, []])
    scene.sending.activate(true)
    scene.set.grants = true
    expect(scene.out()).toEqual(['a'])
  })

  test('if nothing waits any more', () => {
    const scene = sendingScene([])
    scene.set.untakeable = 1
    scene.set.grants = false
    scene.run()
    scene.set.untakeable = 0
    scene.grant()
    expect([scene.out(), scene.permits.returned]).toEqual([[], 1])
  })

  test('if an answer in the meantime asks to wait; a permit is requested again afterwards', () => {
    const scene = sendingScene(['a'])
    scene.run()
    scene.set.grants = false
    scene.add('b')
    scene.run()
    scene.answer('a', { kind: 'pause', ms: 500 })
    scene.grant()
    expect([scene.out(), scene.permits.returned]).toEqual([[], 1])
    scene.set.grants = true
    scene.set.nowMs += 499
    expect(scene.out()).toEqual([])
    expect(scene.sending.nextAtMs(scene.set.nowMs)).toBe(scene.set.nowMs + 1)
    scene.set.nowMs += 1
    expect(scene.out()).toEqual(['ba'])
  })
})

test('returns rows and permit if this instance may no longer send once the write is stored', () => {
  const scene = sendingScene(['a'])
  scene.set.write = 1
  scene.run()
  scene.sending.activate(false)
  scene.set.stored = 1
  expect([scene.out(), scene.log.returned, scene.permits.returned]).toEqual([[], ['a'], 1])
})

test('tries rows that wait and cannot leave again after a change, or after a second', () => {
  const scene = sendingScene([])
  scene.set.untakeable = 1
  scene.run()
  expect(scene.permits).toEqual({ granted: 1, used: 0, returned: 1 })
  expect(scene.sending.nextAtMs(scene.set.nowMs)).toBe(scene.set.nowMs + 1_000)
  scene.set.nowMs += 999
  scene.run()
  expect(scene.permits.granted).toBe(1)
  scene.change()
  scene.run()
  expect(scene.permits.granted).toBe(2)
  scene.set.nowMs += 1_000
  scene.run()
  expect(scene.permits.granted).toBe(3)
})

describe('during a drain', () => {
  test('sending waits for the answers in flight, and sends nothing new', () => {
    const scene = sendingScene(['a'])
    scene.run()
    scene.sending.activate(false)
    scene.add('b')
    expect(scene.sending.requestsInFlight).toBe(1)
    scene.answer('a', accepted)
    expect([scene.log.accepted, scene.requests, scene.sending.requestsInFlight]).toEqual([['a'], ['a'], 0])
  })

  test('the suspects of an unfinished search wait again', () => {
    const scene = sendingScene(letters(4))
    scene.run()
    scene.sending.activate(false)
    scene.answer('abcd', refusal)
    expect(scene.sending.isSearching).toBe(true)
    scene.sending.giveUp()
    expect([scene.log.returned, scene.sending.isSearching]).toEqual([letters(4), false])
  })

  test('rows that failed with a 5xx wait again, in doubt', () => {
    const scene = sendingScene(letters(2))
    scene.run()
    scene.sending.activate(false)
    scene.answer('ab', broken)
    scene.sending.giveUp()
    expect(scene.log.lost).toEqual(['a', 'b'])
  })
})

test('sends a request that failed with a 5xx again, though only newer versions of its own rows wait', () => {
  const answers = [broken]
  const scene = sendingScene(['a'])
  scene.set.untakeable = 1
  scene.settle(1, () => answers.shift() ?? accepted)
  expect(scene.log.accepted).toEqual(['a'])
  // The row is in doubt since the 5xx answer, whatever the next attempt brings.
  expect(scene.log.doubted).toEqual(['a'])
})

test('sends good rows that failed once with a 5xx again, though all other waiting rows are refused', () => {
  const scene = sendingScene(['g'])
  const first = [broken]
  scene.settle(1, (codes) => {
    const outcome = first.shift()
    if (outcome) for (const bad of ['x', 'y', 'z']) scene.add(bad)
    return outcome ?? (codes.join('') === 'g' ? accepted : refusal)
  })
  expect(scene.log.accepted).toEqual(['g'])
})

describe('the trouble that an answer causes', () => {
  test.each<[BatchOutcome, readonly [string | null, string | null], 'lost' | 'returned' | 'doubted']>([
    [{ kind: 'retry', reason: 'timeout', inDoubt: true, status: null }, ['outage', 'timeout'], 'lost'],
    [{ kind: 'retry', reason: 'connection', inDoubt: false, status: null }, ['outage', 'connection'], 'returned'],
    [{ kind: 'retry', reason: 'status 408', inDoubt: true, status: 408 }, ['outage', 'status 408'], 'lost'],
    [{ kind: 'retry', reason: 'status 500', inDoubt: true, status: 500 }, ['outage', 'status 500'], 'doubted'],
    [{ kind: 'pause', ms: 0 }, ['rate limited', 'the API answered 429'], 'returned'],
    [{ kind: 'halt', reason: 'key refused', status: 401 }, ['halted', 'key refused'], 'returned'],
  ])('is reported with the batch, and ends with the next acceptance: %j', (outcome, [kind, reason], becomes) => {
    const scene = sendingScene(['a'])
    scene.set.grants = false
    scene.run()
    scene.grant()
    scene.answer('a', outcome)
    expect(scene.askedWhy(false)).toBe(outcome.kind === 'halt')
    expect(scene.sending.trouble).toMatchObject({ kind, reason })
    scene.set.grants = true
    scene.settle(1, () => accepted)
    const answered = scene.told.filter((fact) => fact.kind === 'batch answered')
    expect(answered.map((fact) => [fact.batch.map(({ code }) => code), fact.outcome])).toEqual([
      [['a'], outcome],
      [['a'], accepted],
    ])
    const { lost, returned, doubted } = scene.log
    expect({ lost, returned, doubted }).toEqual({ ...{ lost: [], returned: [], doubted: [] }, [becomes]: ['a'] })
    expect(scene.sending.trouble).toBeNull()
  })

  test('is "rejecting" if every patient is refused alike: it is reported, and no row is rejected', () => {
    const scene = sendingScene(letters(12), { maxInFlight: 2 })
    const halted = () => scene.told.filter((fact) => fact.kind === 'every patient refused')
    for (let step = 0; halted().length === 0 && step < 100; step++) {
      for (const request of scene.out()) scene.answer(request, refusal)
      scene.set.nowMs = scene.sending.nextAtMs(scene.set.nowMs) ?? scene.set.nowMs
    }
    expect(halted()[0]).toEqual({ kind: 'every patient refused', status: 422 })
    expect([scene.sending.trouble?.kind, scene.log.refused]).toEqual(['rejecting', []])
  })

  test('is none if one row is too large: the row is rejected for that reason', () => {
    const scene = sendingScene(letters(3))
    scene.settle(3, (codes) => (codes.includes('b') ? { kind: 'split' } : accepted))
    expect(scene.deadLetters).toEqual([['b', 'too large', 413]])
    expect(scene.sending.trouble).toBeNull()
  })
})

test('rejects a refused row with the status of the refusal', () => {
  const named: BatchOutcome = { kind: 'isolate', status: 400, named: [{ index: 1, attribute: 'email' }] }
  const scene = sendingScene(letters(3))
  scene.settle(3, (codes) => (codes.includes('b') ? named : accepted))
  expect(scene.deadLetters).toEqual([['b', 'refused by the API', 400]])
})

test('puts the rows of an abandoned request in doubt', () => {
  const scene = sendingScene(['a'])
  scene.run()
  expect(scene.sending.requestsInFlight).toBe(1)
  expect(scene.sending.failed(scene.ticketOf('a'), scene.set.nowMs)).toBe(true)
  expect([scene.log.lost, scene.sending.requestsInFlight]).toEqual([['a'], 0])
})
