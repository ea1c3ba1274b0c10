import { describe, expect, test } from 'vitest'
import type { BatchOutcome } from '../../src/delivery/dispatcher.ts'
import { answering } from './answering.ts'
import { accepted, dispatching, letters } from './dispatching.ts'

const refusal: BatchOutcome = { kind: 'isolate', status: 422, named: [] }

/** A request of four rows was refused, and half of them are out, after another was accepted and while nothing waits. */
async function looking() {
  const answered = answering(letters(8), { batchSize: 4 })
  await answered.answer('abcd', refusal)
  await answered.answer('efgh', accepted)
  expect(await answered.out()).toEqual(['ab'])
  return answered
}

describe('what a bad row is looked for among', () => {
  test('leaves in one request of five while others wait: each batch of others counts', async () => {
    const answer = (codes: readonly string[]) => (codes.includes('a') ? refusal : accepted)
    const dispatch = dispatching(letters(26), answer, { maxInFlight: 1 })
    await dispatch.done(26)
    await dispatch.drain()
    const requests = dispatch.requests.map((codes) => codes.join(''))
    expect(requests.slice(0, 8)).toEqual(['abcd', 'efgh', 'ab', 'ijkl', 'mnop', 'qrst', 'uvwx', 'a'])
    expect(dispatch.log.refused).toEqual(['a'])
  })

  test('gains no turn by others that wait and cannot leave', async () => {
    const { dispatch, answer, out, end } = await looking()
    dispatch.set.untakeable = 1
    for (let turn = 0; turn < 4; turn++) {
      dispatch.wakeUp.ring()
      await out()
    }
    dispatch.set.untakeable = 0
    for (const code of 'ijklm') dispatch.add(code)
    expect(await out()).toEqual(['ab', 'ijkl'])
    await answer('ab', refusal)
    expect(await out()).toEqual(['ijkl', 'm'])
    await end()
  })

  test('is alone on its way while nothing else waits', async () => {
    const { dispatch, answer, out, end } = await looking()
    await answer('ab', accepted)
    expect([await out(), dispatch.errors]).toEqual([['c'], []])
    await end()
  })

  test('is not mixed with others if there are none', async () => {
    const { dispatch, answer, out, end } = await looking()
    await answer('ab', refusal)
    await answer('a', refusal)
    expect([await out(), dispatch.log.refused, dispatch.log.returned]).toEqual([['cdb'], ['a'], []])
    await end()
  })

  test('leaves at once with the rows that were passed by, though nothing else waits', async () => {
    const { dispatch, answer, out, end } = answering(letters(4), { batchSize: 4 })
    for (const request of ['abcd', 'ab', 'a']) await answer(request, refusal)
    expect([await out(), dispatch.log.returned]).toEqual([['cdb'], ['c', 'd', 'b']])
    await end()
  })

  test('is not judged before what is out is answered, though only newer versions of rows in flight wait', async () => {
    const { dispatch, answer, out, end } = answering(letters(2))
    dispatch.set.untakeable = 1
    await answer('a', refusal)
    expect([await out(), dispatch.log.refused]).toEqual([['b'], []])
    await answer('b', accepted)
    expect(dispatch.log.refused).toEqual(['a'])
    await end()
  })
})

test('a row that is alone is believed to be bad, and its next version too; after another one it is the API, until it accepts', async () => {
  const { dispatch, answer, out, end } = answering(['a'])
  await answer('a', refusal)
  dispatch.add('a')
  await answer('a', refusal)
  expect([dispatch.log.refused, dispatch.rejected]).toEqual([['a', 'a'], []])
  dispatch.add('b')
  await answer('b', refusal)
  expect([dispatch.log.refused, dispatch.rejected, dispatch.log.returned]).toEqual([['a', 'a'], [422], ['b']])
  expect(dispatch.dispatcher.trouble?.kind).toBe('rejecting')
  dispatch.wakeUp.ring()
  expect(await out()).toEqual(['b'])
  await answer('b', accepted)
  expect(dispatch.dispatcher.trouble).toBeNull()
  await end()
})
