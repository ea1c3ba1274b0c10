import { expect, test } from 'vitest'
import { ProbeShare } from '../../../src/delivery/isolation/probe-share.ts'

test('uses a fifth of the requests to look for bad rows while others wait, and all of them otherwise', () => {
  const probeShare = new ProbeShare()
  const turns = (othersWait: boolean) =>
    Array.from({ length: 11 }, () => {
      if (!probeShare.mayTake(othersWait)) {
        probeShare.sentOther()
        return 'other'
      }
      probeShare.sentOurs()
      return 'ours'
    }).flatMap((sent, at) => (sent === 'ours' ? [at] : []))
  expect(turns(true)).toEqual([0, 5, 10])
  expect(turns(false)).toHaveLength(11)
  expect(turns(true)).toEqual([4, 9])
})
