import { expect, test } from 'vitest'
import type { SlotVerdict } from '../../src/source/slot/slot-forecast.ts'
import { announce, nothingAnnounced } from '../../src/supervisor/slot-announcement.ts'

/** Returns the warnings about a slot that is checked every five seconds: the number of the check, and the verdict. */
function said(looks: readonly (readonly [SlotVerdict, secondsUntilLost?: number | null, heldBytes?: number])[]) {
  let announced = nothingAnnounced
  return looks.flatMap(([verdict, secondsUntilLost = null, heldBytes = 0], n) => {
    const { say, announced: next } = announce(announced, { verdict, secondsUntilLost, heldBytes }, n * 5_000)
    announced = next
    return say ? [[n, next.verdict]] : []
  })
}
const times = <T>(count: number, look: T) => Array.from({ length: count }, () => look)

test('a warning is given once, and each time that the verdict gets worse', () => {
  expect(
    said([
      ['fine'],
      ...times(9, ['will be lost', 5_000] as const),
      ...times(9, ['soon lost', 500] as const),
      ['being lost', 0],
    ]),
  ).toEqual([
    [1, 'will be lost'],
    [10, 'soon lost'],
    [19, 'being lost'],
  ])
})

test('a warning is repeated when half of the time has passed', () => {
  const approaching = Array.from({ length: 161 }, (_, n) => ['will be lost', 1_600 - n * 5] as const)
  expect(said(approaching)).toEqual([
    [0, 'will be lost'],
    [160, 'will be lost'],
  ])
})

test('a warning about a slot without a limit is repeated when it retains twice as much', () => {
  expect(
    said([
      ['holding', null, 1_000],
      ['holding', null, 1_999],
      ['holding', null, 2_000],
    ]),
  ).toEqual([
    [0, 'holding'],
    [2, 'holding'],
  ])
})

test('an unchanged warning is repeated once an hour', () => {
  expect(said(times(1_000, ['being lost', 0] as const)).map(([look]) => look)).toEqual([0, 720])
})

test('a warning is withdrawn once, after half a minute without danger', () => {
  expect(said([['soon lost', 60], ...times(20, ['fine'] as const)])).toEqual([
    [0, 'soon lost'],
    [7, 'fine'],
  ])
})

test('a short improvement changes nothing', () => {
  const wavering = times(30, [['will be lost', 900] as const, ['fine'] as const]).flat()
  expect(said(wavering)).toEqual([[0, 'will be lost']])
})

test('a danger that has decreased for a while causes a warning when it increases again', () => {
  expect(said([['soon lost', 60], ...times(8, ['will be lost', 7_200] as const), ['soon lost', 60]])).toEqual([
    [0, 'soon lost'],
    [9, 'soon lost'],
  ])
})
