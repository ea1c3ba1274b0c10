import { describe, expect, test } from 'vitest'
import { accepted, letters, refusal, sendingScene } from './sending-scene.ts'

/** A request of four rows was refused, and half of them are out, after another was accepted and while nothing waits. */
function searching() {
  const scene = sendingScene(letters(8))
  scene.answer('abcd', refusal)
  scene.answer('efgh', accepted)
  expect(scene.out()).toEqual(['ab'])
  return scene
}

describe('what a bad row is looked for among', () => {
  test('leaves in one request of five while others wait: each batch of others counts', () => {
    const scene = sendingScene(letters(26), { maxInFlight: 1 })
    scene.settle(26, (codes) => (codes.includes('a') ? refusal : accepted))
    expect(scene.requests.slice(0, 8)).toEqual(['abcd', 'efgh', 'ab', 'ijkl', 'mnop', 'qrst', 'uvwx', 'a'])
    expect(scene.log.refused).toEqual(['a'])
  })

  test('gains no turn by others that wait and cannot leave', () => {
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

  test('is alone on its way while nothing else waits', () => {
    const { answer, out } = searching()
    answer('ab', accepted)
    expect(out()).toEqual(['c'])
  })

  test('is not mixed with others if there are none', () => {
    const { log, answer, out } = searching()
    answer('ab', refusal)
    answer('a', refusal)
    expect([out(), log.refused, log.returned]).toEqual([['cdb'], ['a'], []])
  })

  test('leaves immediately with the rows that were passed by, though nothing else waits', () => {
    const { log, answer, out } = sendingScene(letters(4))
    for (const request of ['abcd', 'ab', 'a']) answer(request, refusal)
    expect([out(), log.returned]).toEqual([['cdb'], ['c', 'd', 'b']])
  })

  test('is not judged before what is out is answered, though only newer versions of rows in flight wait', () => {
    const { set, log, answer, out } = sendingScene(letters(2), { batchSize: 1 })
    set.untakeable = 1
    answer('a', refusal)
    expect([out(), log.refused]).toEqual([['b'], []])
    answer('b', accepted)
    expect(log.refused).toEqual(['a'])
  })
})

test('a row that is alone is believed to be bad, and its next version too; after another one it is the API, until it accepts', () => {
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
