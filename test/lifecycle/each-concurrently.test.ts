import { expect, test } from 'vitest'
import { eachConcurrently } from '../../src/lifecycle/each-concurrently.ts'

test('works on all items, up to the limit at the same time', async () => {
  const begun: number[] = []
  let under = 0
  let most = 0
  await eachConcurrently([1, 2, 3, 4, 5], 2, async (item) => {
    begun.push(item)
    most = Math.max(most, ++under)
    await Promise.resolve()
    under--
  })
  expect([begun, most]).toEqual([[1, 2, 3, 4, 5], 2])
})

test('after a failure waits for the items in progress, begins no other, and rejects with the failure', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const working = eachConcurrently([1, 2, 3], 2, async (item) => {
    begun.push(item)
    if (item === 1) throw new Error('the first')
    for (let n = 0; n < 5; n++) await Promise.resolve()
    ended.push(item)
  })
  await expect(working).rejects.toThrow('the first')
  expect([begun, ended]).toEqual([[1, 2], [2]])
})
