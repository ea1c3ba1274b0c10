import { expect, test } from 'vitest'
import { Share } from '../../../src/delivery/isolation/share.ts'

test('looking for bad rows takes a fifth of the requests while others wait, and all of them while none do', () => {
  const share = new Share()
  const turns = (othersWait: boolean) =>
    Array.from({ length: 11 }, () => {
      if (!share.mayTake(othersWait)) {
        share.sentOther()
        return 'other'
      }
      share.sentOurs()
      return 'ours'
    }).flatMap((sent, at) => (sent === 'ours' ? [at] : []))
  expect(turns(true)).toEqual([0, 5, 10])
  expect(turns(false)).toHaveLength(11)
  expect(turns(true)).toEqual([4, 9])
})
