import { expect, test } from 'vitest'
import type { SlotVerdict } from '../../src/source/slot/slot-forecast.ts'
import { nextAlarm, noAlarm } from '../../src/supervisor/slot-alarm.ts'

/** Returns the changes of the verdict shown of a slot that is checked every five seconds: the number of the check, and the verdict. */
function shown(verdicts: readonly SlotVerdict[]) {
  let alarm = noAlarm
  return verdicts.flatMap((verdict, n) => {
    const before = alarm.verdict
    alarm = nextAlarm(alarm, verdict, n * 5_000)
    return alarm.verdict === before ? [] : [[n, alarm.verdict]]
  })
}
const times = (count: number, verdict: SlotVerdict) => Array.from({ length: count }, () => verdict)

test('a worse verdict is shown immediately', () => {
  expect(shown(['fine', ...times(9, 'will be lost'), ...times(9, 'soon lost'), 'being lost'])).toEqual([
    [1, 'will be lost'],
    [10, 'soon lost'],
    [19, 'being lost'],
  ])
})

test('a better verdict is shown after half a minute', () => {
  expect(shown(['soon lost', ...times(20, 'fine')])).toEqual([
    [0, 'soon lost'],
    [7, 'fine'],
  ])
})

test('a short improvement changes nothing', () => {
  const wavering = times(30, 'will be lost').flatMap((verdict) => [verdict, 'fine'] as const)
  expect(shown(wavering)).toEqual([[0, 'will be lost']])
})

test('a danger that has decreased for a while is shown again when it increases', () => {
  expect(shown(['soon lost', ...times(8, 'will be lost'), 'soon lost'])).toEqual([
    [0, 'soon lost'],
    [7, 'will be lost'],
    [9, 'soon lost'],
  ])
})
