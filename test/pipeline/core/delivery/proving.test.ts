import { expect, test } from 'vitest'
import { accepted, letters, sendingScene, unexpected } from './sending-scene.ts'

test('rows of an unexpected success count as delivered once every one of them is read back', () => {
  const scene = sendingScene(letters(4))
  scene.answer('abcd', unexpected)
  expect(scene.log.accepted).toEqual([])
  expect([scene.sending.requestsInFlight, scene.sending.trouble?.kind]).toEqual([1, 'unexpected success'])
  expect(scene.readBack(() => true)).toBe(4)
  expect(scene.log).toMatchObject({ accepted: letters(4), lost: [], doubted: [], refused: [] })
  expect([scene.requests, scene.sending.requestsInFlight]).toEqual([['abcd'], 0])
})

test('nothing else is sent until the batch is read back, and the next one follows immediately', () => {
  const scene = sendingScene(letters(8))
  scene.out()
  scene.answer('abcd', unexpected)
  scene.answer('efgh', unexpected)
  scene.add('i')
  expect(scene.out()).toEqual([])
  scene.readBack(() => true)
  expect(scene.out()).toEqual(['i'])
  expect(scene.sending.trouble?.kind).toBe('unexpected success')
  scene.answer('i', accepted)
  expect([scene.sending.trouble, scene.log.accepted.length]).toEqual([null, 9])
})

test('a row is looked at for a minute, since the API may apply it later', () => {
  const scene = sendingScene(['a'])
  scene.answer('a', unexpected)
  const sentAtMs = scene.set.nowMs
  scene.readBack(() => scene.set.nowMs - sentAtMs >= 60_000)
  expect([scene.log.accepted, scene.requests]).toEqual([['a'], ['a']])
})

test('a row that is shown as it was sent counts only once what was accepted of its code before is applied', () => {
  const scene = sendingScene(['a'])
  scene.set.recentUntilMs = scene.set.nowMs + 5_000
  scene.answer('a', unexpected)
  expect(scene.readBack(() => true)).toBeGreaterThan(1)
  expect([scene.log.accepted, scene.set.nowMs >= scene.set.recentUntilMs]).toEqual([['a'], true])
})

test('halts if no row is shown: the rows are in doubt, and only one request at a time tries again', () => {
  const scene = sendingScene(letters(8), { maxInFlight: 2 })
  scene.out()
  scene.answer('abcd', unexpected)
  scene.answer('efgh', unexpected)
  // The rows of a batch are applied together: a few of them are looked at.
  expect(scene.readBack(() => false)).toBeLessThan(50)
  expect(scene.log.accepted).toEqual([])
  expect(new Set([...scene.log.doubted, ...scene.log.lost])).toEqual(new Set(letters(8)))
  expect(scene.sending.trouble).toMatchObject({ kind: 'unproven success', reason: expect.stringContaining('204') })
  scene.set.nowMs = scene.sending.nextAtMs(scene.set.nowMs) ?? scene.set.nowMs
  expect(scene.out()).toHaveLength(1)
})

test('a page that is answered to everything delivers nothing and rejects nothing, however long it lasts', () => {
  const scene = sendingScene(letters(8))
  for (let step = 0; step < 40; step++) {
    const [request] = scene.out()
    if (request === undefined) scene.set.nowMs = scene.sending.nextAtMs(scene.set.nowMs) ?? scene.set.nowMs
    else scene.answer(request, unexpected)
    scene.readBack(() => false)
  }
  expect([scene.log.accepted, scene.log.refused]).toEqual([[], []])
  scene.settle(8, () => accepted)
  expect([scene.log.accepted.toSorted(), scene.sending.trouble]).toEqual([letters(8), null])
})

test('a row that the API never shows as it was sent is rejected alone, and stops no other', () => {
  const scene = sendingScene(letters(8))
  for (let step = 0; scene.log.refused.length === 0; step++) {
    if (step > 100) throw new Error(`nothing is rejected: ${scene.requests.join(' ')}`)
    const [request] = scene.out()
    if (request === undefined) scene.set.nowMs = scene.sending.nextAtMs(scene.set.nowMs) ?? scene.set.nowMs
    else scene.answer(request, unexpected)
    scene.readBack((code) => code !== 'c')
    // Rows change all the time.
    scene.add('z')
  }
  expect(scene.deadLetters).toEqual([['c', 'refused by the API', 204]])
  expect(scene.log.accepted).toEqual(expect.arrayContaining(['a', 'b', 'd', 'e', 'f', 'g', 'h']))
})

test('rows are in doubt if nothing can be read back any more', () => {
  const scene = sendingScene(letters(2))
  scene.answer('ab', unexpected)
  scene.sending.activate(false)
  expect([scene.log.lost, scene.sending.requestsInFlight]).toEqual([['a', 'b'], 0])
})

test('an unexpected success that is answered while nothing may be read back puts the rows in doubt', () => {
  const scene = sendingScene(['a'])
  scene.out()
  scene.sending.activate(false)
  scene.answer('a', unexpected)
  expect([scene.log.lost, scene.sending.requestsInFlight]).toEqual([['a'], 0])
})

test('reports what reading back has shown', () => {
  const scene = sendingScene(letters(4))
  scene.answer('abcd', unexpected)
  scene.readBack((code) => code !== 'b')
  const facts = scene.told.filter(({ kind }) => kind === 'batch read back')
  expect(facts).toEqual([{ kind: 'batch read back', patients: 4, shown: 3, status: 204 }])
})
