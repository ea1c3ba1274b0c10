import { describe, expect, test } from 'vitest'
import { accepted, letters, refusal, sendingScene } from './sending-scene.ts'

/** Refuses a request of four rows and accepts another, so that half of the refused rows is in flight and nothing waits. */
function searching() {
  const scene = sendingScene(letters(8))
  scene.answer('abcd', refusal)
  scene.answer('efgh', accepted)
  expect(scene.out()).toEqual(['ab'])
  return scene
}

describe('the suspects of a search for a bad row', () => {
  test('get one request of five while other rows wait: each batch of others counts', () => {
    const scene = sendingScene(letters(26), { maxInFlight: 1 })
    scene.settle(26, (codes) => (codes.includes('a') ? refusal : accepted))
    expect(scene.requests.slice(0, 8)).toEqual(['abcd', 'efgh', 'ab', 'ijkl', 'mnop', 'qrst', 'uvwx', 'a'])
    expect(scene.log.refused).toEqual(['a'])
  })

  test('get no extra request because of rows that wait and cannot leave', () => {
    const { set, add, change, answer, out } = searching()
    set.untakeable = 1
    for (let turn = 0; turn < 4; turn++) {
      change()
      out()
    }
    set.untakeable = 0
    for (const code of 'ijklm') add(code)
    expect(out()).toEqual(['ab', 'ijkl'])
    answer('ab', refusal)
    expect(out()).toEqual(['ijkl', 'm'])
  })

  test('are sent in one request at a time while nothing else waits', () => {
    const { answer, out } = searching()
    answer('ab', accepted)
    expect(out()).toEqual(['c'])
  })

  test('are not mixed with other rows if there are none', () => {
    const { log, answer, out } = searching()
    answer('ab', refusal)
    answer('a', refusal)
    expect([out(), log.refused, log.returned]).toEqual([['cdb'], ['a'], []])
  })

  test('are sent immediately together with the rows already skipped, though nothing else waits', () => {
    const { log, answer, out } = sendingScene(letters(4))
    for (const request of ['abcd', 'ab', 'a']) answer(request, refusal)
    expect([out(), log.returned]).toEqual([['cdb'], ['c', 'd', 'b']])
  })

  test('are not judged before requests in flight are answered, though only newer versions of rows in flight wait', () => {
    const { set, log, answer, out } = sendingScene(letters(2), { batchSize: 1 })
    set.untakeable = 1
    answer('a', refusal)
    expect([out(), log.refused]).toEqual([['b'], []])
    answer('b', accepted)
    expect(log.refused).toEqual(['a'])
  })
})

test('a single refused row is rejected, and so is its next version; when a second row is refused, sending halts until the API accepts', () => {
  const { sending, log, told, add, answer, out } = sendingScene(['a'])
  const halts = () => told.filter(({ kind }) => kind === 'every patient refused')
  answer('a', refusal)
  add('a')
  answer('a', refusal)
  expect([log.refused, halts()]).toEqual([['a', 'a'], []])
  add('b')
  answer('b', refusal)
  expect([log.refused, log.returned]).toEqual([['a', 'a'], ['b']])
  expect(halts()).toEqual([{ kind: 'every patient refused', status: 422 }])
  expect(sending.trouble?.kind).toBe('rejecting')
  expect(out()).toEqual(['b'])
  answer('b', accepted)
  expect(sending.trouble).toBeNull()
})
