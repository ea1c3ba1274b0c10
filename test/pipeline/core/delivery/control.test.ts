import { describe, expect, test } from 'vitest'
import type { BatchOutcome } from '../../../../src/delivery/outcome.ts'
import { accepted, letters, sendingScene } from './sending-scene.ts'

const forbidden: BatchOutcome = { kind: 'halt', reason: 'permission denied', status: 403 }
type Scene = ReturnType<typeof sendingScene>

/** Answers a request, and time passes if there is none. The API accepts the keys, or does not answer the question. */
function step(scene: Scene, answer: (codes: string) => BatchOutcome, keys: true | 'no answer' = true): void {
  const [request] = scene.out()
  if (request === undefined) scene.set.nowMs = scene.sending.nextAtMs(scene.set.nowMs) ?? scene.set.nowMs
  else scene.answer(request, answer(request))
  scene.askedWhy(keys)
}

describe('a 403 while the API accepts the keys', () => {
  test.each(letters(6))('is caused by a row: %s is rejected alone, and the others are delivered', (bad) => {
    const scene = sendingScene(letters(6))
    for (let steps = 0; scene.log.accepted.length + scene.log.refused.length < 6; steps++) {
      if (steps > 60) throw new Error(`it does not settle: ${scene.requests.join(' ')}`)
      step(scene, (codes) => (codes.includes(bad) ? forbidden : accepted))
    }
    expect(scene.deadLetters).toEqual([[bad, 'refused by the API', 403]])
    expect([scene.sending.isSearching, scene.sending.trouble]).toEqual([false, null])
  })

  test('is not caused by the rows if nothing is accepted: no row is rejected, and sending halts', () => {
    const scene = sendingScene(letters(6))
    for (let steps = 0; steps < 60; steps++) step(scene, () => forbidden)
    expect([scene.log.refused, scene.sending.trouble?.kind]).toEqual([[], 'rejecting'])
    for (let steps = 0; scene.log.accepted.length < 6 && steps < 60; steps++) step(scene, () => accepted)
    expect([scene.log.accepted.toSorted(), scene.sending.trouble]).toEqual([letters(6), null])
  })

  test('rejects no row that is refused once, as while the keys are changed', () => {
    const scene = sendingScene(letters(6))
    const once = [forbidden]
    for (let steps = 0; scene.log.accepted.length < 6 && steps < 60; steps++) step(scene, () => once.pop() ?? accepted)
    expect([scene.log.accepted.toSorted(), scene.log.refused]).toEqual([letters(6), []])
  })

  test('leaves a single row waiting until something else is accepted', () => {
    const scene = sendingScene(['x'])
    for (let steps = 0; steps < 20; steps++) step(scene, () => forbidden)
    expect(scene.log.refused).toEqual([])
    scene.add('y')
    for (let steps = 0; steps < 20; steps++) step(scene, (codes) => (codes.includes('x') ? forbidden : accepted))
    expect([scene.log.refused, scene.log.accepted, scene.sending.trouble?.kind]).toEqual([['x'], ['y'], undefined])
  })
})

test('a 403 halts if the API refuses the keys of a question too: the batch waits as it was', () => {
  const scene = sendingScene(['a'])
  scene.answer('a', forbidden)
  expect([scene.sending.trouble, scene.sending.requestsInFlight]).toEqual([null, 1])
  expect(scene.askedWhy(false)).toBe(true)
  expect(scene.sending.trouble).toMatchObject({ kind: 'halted', reason: 'permission denied' })
  expect([scene.log.returned, scene.log.refused]).toEqual([['a'], []])
})

describe('a 403 while patients cannot be read back', () => {
  test.each(letters(6))('is taken for one of the rows: %s is rejected alone, and the others are delivered', (bad) => {
    const scene = sendingScene(letters(6))
    for (let steps = 0; scene.log.accepted.length + scene.log.refused.length < 6; steps++) {
      if (steps > 60) throw new Error(`it does not settle: ${scene.requests.join(' ')}`)
      step(scene, (codes) => (codes.includes(bad) ? forbidden : accepted), 'no answer')
    }
    expect(scene.deadLetters).toEqual([[bad, 'refused by the API', 403]])
    expect([scene.sending.isSearching, scene.sending.trouble]).toEqual([false, null])
  })

  test('rejects no row while nothing is accepted', () => {
    const scene = sendingScene(letters(6))
    for (let steps = 0; steps < 60; steps++) step(scene, () => forbidden, 'no answer')
    expect([scene.log.refused, scene.sending.trouble?.kind]).toEqual([[], 'rejecting'])
  })

  test('does not keep another batch from leaving while the question waits for its answer', () => {
    const scene = sendingScene(letters(12), { maxInFlight: 1 })
    expect(scene.out()).toEqual(['abcd'])
    scene.answer('abcd', forbidden)
    expect(scene.out()).toEqual(['efgh'])
    scene.answer('efgh', forbidden)
    // The second one may mean that everything is refused.
    expect([scene.out(), scene.askedWhy('no answer')]).toEqual([[], true])
  })

  test('does not make a 401 one of the rows', () => {
    const scene = sendingScene(['a'])
    scene.answer('a', { kind: 'halt', reason: 'key refused', status: 401 })
    scene.askedWhy('no answer')
    expect([scene.sending.trouble?.kind, scene.log.returned]).toEqual(['halted', ['a']])
  })
})

test('one question serves every batch that was refused before it', () => {
  const scene = sendingScene(letters(8))
  scene.out()
  scene.answer('abcd', forbidden)
  scene.answer('efgh', forbidden)
  expect([scene.askedWhy(false), scene.askedWhy(false)]).toEqual([true, false])
  expect(scene.log.returned.toSorted()).toEqual(letters(8))
})

test('a 404 is about the address: it halts without a question', () => {
  const scene = sendingScene(['a'])
  scene.answer('a', { kind: 'halt', reason: 'no such endpoint', status: 404 })
  expect([scene.askedWhy(true), scene.sending.trouble?.kind]).toEqual([false, 'halted'])
})

test('batches wait as they were if the API cannot be asked any more', () => {
  const scene = sendingScene(['a'])
  scene.answer('a', forbidden)
  scene.sending.activate(false)
  expect([scene.log.returned, scene.sending.requestsInFlight]).toEqual([['a'], 0])
})

test('a 403 that is answered while the API cannot be asked leaves the batch waiting as it was', () => {
  const scene = sendingScene(['a'])
  scene.out()
  scene.sending.activate(false)
  scene.answer('a', forbidden)
  expect([scene.log.returned, scene.sending.requestsInFlight]).toEqual([['a'], 0])
})
