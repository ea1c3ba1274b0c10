import { describe, expect, test } from 'vitest'
import { Confirmations } from '../../src/delivery/confirmations.ts'
import { code, patient } from '../pending/rows.ts'

const expected = (of: string, name?: string) => ({ code: code(of), patient: patient(of, name) })

test('confirms without a read-back what was accepted once, with nothing in doubt', () => {
  const confirmations = new Confirmations()
  expect(confirmations.accepted(expected('a'), false, 0)).toBe('certain')
  expect(confirmations.accepted(expected('a'), false, confirmations.applyMs)).toBe('certain')
  expect(confirmations.watched).toBe(0)
})

test.each([
  ['after an answer that never came', true, 100_000],
  ['within the time that the API takes to apply', false, 4_999],
])('reads back what was accepted %s', (_, inDoubt, at) => {
  const confirmations = new Confirmations()
  confirmations.accepted(expected('a', 'Old'), false, 0)
  const newer = expected('a', 'New')
  expect(confirmations.accepted(newer, inDoubt, at)).toBe('read back')
  expect(confirmations.due(at + confirmations.applyMs - 1, 9, false)).toEqual([])
  expect(confirmations.due(at + confirmations.applyMs, 9, false)).toEqual([newer])
  expect(confirmations.seen(newer, true, at + 5_000)).toBe('confirmed')
  expect(confirmations.watched).toBe(0)
})

test('reads a patient that the API does not show back three times, with growing delays, then sends it again', () => {
  const confirmations = new Confirmations()
  const sent = expected('a')
  confirmations.accepted(sent, true, 0)
  const waits: number[] = []
  let now = 0
  for (let verdict = 'nothing'; verdict === 'nothing'; ) {
    const dueAt = confirmations.nextAtMs() ?? Number.NaN
    waits.push(dueAt - now)
    now = dueAt
    verdict = confirmations.seen(sent, false, now)
    if (verdict !== 'nothing') expect(verdict).toBe('send again')
  }
  expect(waits).toHaveLength(3)
  expect(waits).toEqual(waits.toSorted((a, b) => a - b))
  expect(confirmations.watched).toBe(0)
})

test('looks halfway until a lost request is over, and sends what was replaced after it was shown again', () => {
  const confirmations = new Confirmations({ overAfterMs: 60_000 })
  const sent = expected('a')
  confirmations.lost(sent.code, 0)
  confirmations.accepted(sent, true, 1_000)
  expect(confirmations.seen(sent, true, 6_000)).toBe('nothing')
  expect(confirmations.nextAtMs()).toBe(33_000)
  expect(confirmations.seen(sent, true, 33_000)).toBe('nothing')
  expect(confirmations.nextAtMs()).toBe(60_000)
  expect([confirmations.seen(sent, false, 60_000), confirmations.watched]).toEqual(['send again', 0])
})

test('ignores an answer about an older version', () => {
  const confirmations = new Confirmations()
  const older = expected('a', 'Old')
  confirmations.accepted(older, true, 0)
  const newer = expected('a', 'New')
  confirmations.accepted(newer, false, 100_000)
  expect(confirmations.seen(older, true, 100_001)).toBe('nothing')
  expect(confirmations.due(200_000, 9, false)).toEqual([newer])
})

test('adapts the apply time of the API in both directions, within bounds', () => {
  const confirmations = new Confirmations()
  const look = (at: number, ...answers: readonly (readonly [isThere: boolean, afterMs: number])[]) => {
    const sent = expected('a')
    confirmations.accepted(sent, true, at)
    for (const [isThere, afterMs] of answers) confirmations.seen(sent, isThere, at + afterMs)
  }
  for (let at = 0; at < 50; at++) look(at * 100_000, [true, 5_000])
  expect(confirmations.applyMs).toBe(1_000)
  look(6_000_000, [false, 1_000], [true, 3_000])
  expect(confirmations.applyMs).toBe(3_000)
  look(7_000_000, [false, 3_000], [true, 300_000])
  expect(confirmations.applyMs).toBe(60_000)
  const before = confirmations.applyMs
  look(8_000_000, [false, 60_000], [false, 180_000], [false, 400_000])
  expect(confirmations.applyMs).toBe(before)
})

test('delays a code that was just sent until it is applied, while too many are watched', () => {
  const confirmations = new Confirmations()
  for (let n = 0; n < 1_000; n++) confirmations.accepted(expected(`c${n}`), true, 0)
  expect(confirmations.mayRepeat(code('c1'), 10)).toBe(false)
  expect(confirmations.mayRepeat(code('new'), 10)).toBe(true)
  expect(confirmations.mayRepeat(code('c1'), confirmations.applyMs)).toBe(true)
})

test('reads later what cannot be read now', () => {
  const confirmations = new Confirmations()
  const sent = expected('a')
  confirmations.accepted(sent, true, 0)
  confirmations.postponed(sent, 5_000, true)
  expect(confirmations.due(5_000, 9, false)).toEqual([])
  expect(confirmations.due(5_000 + confirmations.applyMs, 9, false)).toEqual([])
  expect(confirmations.due(5_000 + confirmations.applyMs, 9, true)).toEqual([sent])
})

test('reads what cannot be read again after growing times, until it can be read', () => {
  const confirmations = new Confirmations()
  const sent = expected('a')
  confirmations.accepted(sent, true, 0)
  const delays = [0, 1, 2, 3, 4].map((at) => {
    confirmations.postponed(sent, at * 10_000, true)
    return (confirmations.nextAtMs() ?? 0) - at * 10_000
  })
  expect(delays).toEqual([5_000, 10_000, 20_000, 40_000, 60_000])
  confirmations.seen(sent, false, 500_000)
  expect(confirmations.due(600_000, 9, false)).toEqual([sent])
})

describe('a request that may still subscribe a patient', () => {
  const { code } = expected('a')

  test('is one that was accepted within a minute, or that was lost', () => {
    const confirmations = new Confirmations({ overAfterMs: 90_000 })
    confirmations.beganAt(-90_000)
    confirmations.accepted(expected('a'), false, 1_000)
    expect(confirmations.subscribesUntilMs(code)).toBe(61_000)
    confirmations.lost(code, 2_000)
    expect(confirmations.subscribesUntilMs(code)).toBe(92_000)
  })

  test('is possibly one of an earlier process', () => {
    const confirmations = new Confirmations({ overAfterMs: 90_000 })
    expect(confirmations.subscribesUntilMs(code)).toBe(Number.POSITIVE_INFINITY)
    confirmations.beganAt(1_000)
    expect(confirmations.subscribesUntilMs(code)).toBe(91_000)
  })
})

test('learns how long the API takes to apply from a patient that appears late', () => {
  const confirmations = new Confirmations()
  const { code } = expected('a')
  confirmations.missing(code)
  confirmations.appeared(code, 30_000)
  confirmations.accepted(expected('a'), false, 1_000)
  confirmations.appeared(code, 30_000)
  expect(confirmations.applyMs).toBe(5_000)
  confirmations.missing(code)
  confirmations.appeared(code, 3_000)
  expect(confirmations.applyMs).toBe(5_000)
  confirmations.missing(code)
  confirmations.appeared(code, 21_000)
  expect(confirmations.applyMs).toBe(20_000)
})

test('sends a patient that the API stores in another form again twice, and reports the difference then', () => {
  const confirmations = new Confirmations()
  const verdicts: string[] = []
  for (let time = 0; time < 4; time++) {
    const sent = expected('a')
    confirmations.accepted(sent, true, time * 1_000_000)
    for (let look = 1; look <= 3; look++)
      verdicts.push(confirmations.seen(sent, false, time * 1_000_000 + look * 100_000))
  }
  expect(verdicts.filter((verdict) => verdict !== 'nothing')).toEqual([
    'send again',
    'send again',
    'differs',
    'send again',
  ])
})

test('expects an unanswered request to be applied as long after as an accepted one', () => {
  const confirmations = new Confirmations()
  const { code } = expected('a')
  confirmations.lost(code, 1_000)
  expect([confirmations.isRecent(code, 1_001), confirmations.isRecent(code, 6_001)]).toEqual([true, false])
})

test('reads back the earliest next, and no more at a time than asked for, the oldest first', () => {
  const confirmations = new Confirmations()
  expect(confirmations.nextAtMs()).toBeNull()
  const all = ['a', 'b', 'c'].map((of) => expected(of))
  for (const [at, one] of all.entries()) confirmations.accepted(one, true, at * 10)
  confirmations.postponed(all[0] ?? expected('a'), 100, true)
  expect([confirmations.nextAtMs(), confirmations.watched]).toEqual([5_010, 3])
  expect(confirmations.due(5_010, 9, false)).toEqual([all[1]])
  expect([confirmations.due(9_000, 1, false), confirmations.due(9_000, 0, false)]).toEqual([all.slice(1, 2), []])
})

test('neither postpones nor confirms a version that was replaced', () => {
  const confirmations = new Confirmations()
  const [older, newer] = [expected('a', 'Old'), expected('a', 'New')]
  confirmations.accepted(older, true, 0)
  confirmations.accepted(newer, true, 10)
  confirmations.postponed(older, 100_000, true)
  confirmations.postponed(expected('b'), 100_000, true)
  expect([confirmations.nextAtMs(), confirmations.seen(expected('b'), true, 20)]).toEqual([5_010, 'nothing'])
})

test('restarts the watch of a code that is accepted again, however late', () => {
  const confirmations = new Confirmations()
  confirmations.accepted(expected('a', 'Old'), true, 0)
  expect(confirmations.accepted(expected('a', 'New'), false, 1_000_000)).toBe('read back')
  expect([confirmations.watched, confirmations.nextAtMs()]).toEqual([1, 1_005_000])
})

test('doubles the delay with each read-back', () => {
  const confirmations = new Confirmations()
  const sent = expected('a')
  confirmations.accepted(sent, true, 0)
  confirmations.seen(sent, false, 5_000)
  expect(confirmations.nextAtMs()).toBe(5_000 + 10_000)
  confirmations.seen(sent, false, 15_000)
  expect(confirmations.nextAtMs()).toBe(15_000 + 20_000)
})

test('counts resends from zero after a patient was found as sent', () => {
  const confirmations = new Confirmations()
  const sendAgain = () => {
    const sent = expected('a')
    confirmations.accepted(sent, true, 0)
    return [1, 2, 3].map((look) => confirmations.seen(sent, false, look)).at(-1)
  }
  expect([sendAgain(), sendAgain()]).toEqual(['send again', 'send again'])
  const came = expected('a')
  confirmations.accepted(came, true, 0)
  confirmations.seen(came, true, 1)
  expect([sendAgain(), sendAgain(), sendAgain()]).toEqual(['send again', 'send again', 'differs'])
})

test('remembers an accepted code for its apply time, though many were accepted since', () => {
  const confirmations = new Confirmations()
  confirmations.accepted(expected('a'), false, 0)
  for (let n = 0; n < 2_000; n++) confirmations.accepted(expected(`c${n}`), false, 1)
  expect([confirmations.isRecent(code('a'), 4_999), confirmations.isRecent(code('a'), 5_000)]).toEqual([true, false])
  expect([confirmations.isRecent(code('c1999'), 5_000), confirmations.isRecent(code('x'), 0)]).toEqual([true, false])
})

test('lets a code be sent again immediately while few are watched', () => {
  const confirmations = new Confirmations()
  confirmations.accepted(expected('a'), false, 0)
  expect(confirmations.mayRepeat(code('a'), 1)).toBe(true)
})

test('waits a minute after its own start for the requests of an earlier process, of codes that it may have sent', () => {
  const confirmations = new Confirmations()
  const [a, b] = [code('a'), code('b')]
  expect([
    confirmations.intentFound([a], 5_000),
    confirmations.isLost(a, 5_000),
    confirmations.isLost(b, 5_000),
  ]).toEqual([true, true, false])
  // Only then is this process the only one that sends.
  confirmations.beganAt(10_000)
  confirmations.beganAt(50_000)
  expect([confirmations.isLost(a, 69_999), confirmations.isLost(a, 70_000)]).toEqual([true, false])
  expect([confirmations.isOver(b, 69_999), confirmations.isOver(b, 70_000)]).toEqual([false, true])
  expect([confirmations.intentFound([b], 70_000), confirmations.isLost(b, 70_000)]).toEqual([false, false])
})

test('believes what it reads back of a code that an earlier process may have sent only after a minute', () => {
  const confirmations = new Confirmations()
  confirmations.beganAt(0)
  confirmations.intentFound([code('a')], 1_000)
  const sent = expected('a')
  confirmations.accepted(sent, true, 1_000)
  expect(confirmations.seen(sent, true, 6_000)).toBe('nothing')
  expect(confirmations.seen(sent, true, 33_000)).toBe('nothing')
  expect(confirmations.nextAtMs()).toBe(60_000)
  expect(confirmations.seen(sent, true, 60_000)).toBe('confirmed')
})

test('a version that was cut while an earlier one may not be applied is read back, though its answer is late', () => {
  const confirmations = new Confirmations()
  confirmations.accepted(expected('a', 'Old'), false, 0)
  expect(confirmations.accepted(expected('a', 'New'), false, 6_000, { cutAtMs: 100 })).toBe('read back')
  expect(confirmations.accepted(expected('b'), false, 6_000, { cutAtMs: 100 })).toBe('certain')
})

test('without room, tells a version that repeats an earlier one from one that is only in doubt', () => {
  const confirmations = new Confirmations()
  expect(confirmations.accepted(expected('a'), true, 0, { hasRoom: false })).toBe('no room')
  expect(confirmations.accepted(expected('a', 'New'), false, 100, { hasRoom: false })).toBe('repeated, no room')
})
