import { expect, test } from 'vitest'
import { Confirmations } from '../../src/delivery/confirmations.ts'
import { code, patient } from '../pending/rows.ts'

const expected = (of: string, name?: string) => ({ code: code(of), patient: patient(of, name) })

test('what was accepted once, with nothing in doubt, is believed', () => {
  const confirmations = new Confirmations()
  expect(confirmations.accepted(expected('a'), false, 0)).toBe('certain')
  expect(confirmations.accepted(expected('a'), false, confirmations.applyMs)).toBe('certain')
  expect(confirmations.watched).toBe(0)
})

test.each([
  ['after an answer that never came', true, 100_000],
  ['within the time that the API takes to apply', false, 4_999],
])('what was accepted %s is read back', (_, inDoubt, at) => {
  const confirmations = new Confirmations()
  confirmations.accepted(expected('a', 'Old'), false, 0)
  const newer = expected('a', 'New')
  expect(confirmations.accepted(newer, inDoubt, at)).toBe('read back')
  expect(confirmations.due(at + confirmations.applyMs - 1, 9)).toEqual([])
  expect(confirmations.due(at + confirmations.applyMs, 9)).toEqual([newer])
  expect(confirmations.seen(newer, true, at + 5_000)).toBe('confirmed')
  expect(confirmations.watched).toBe(0)
})

test('one that the API does not show is looked at three times, further and further apart, then sent again', () => {
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

test('an answer about an older version says nothing of the newer one', () => {
  const confirmations = new Confirmations()
  const older = expected('a', 'Old')
  confirmations.accepted(older, true, 0)
  const newer = expected('a', 'New')
  confirmations.accepted(newer, false, 100_000)
  expect(confirmations.seen(older, true, 100_001)).toBe('nothing')
  expect(confirmations.due(200_000, 9)).toEqual([newer])
})

test('the time that the API takes is learned both ways, within bounds', () => {
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

test('while too many are watched, a code that was just sent waits until it is applied', () => {
  const confirmations = new Confirmations()
  for (let n = 0; n < 1_000; n++) confirmations.accepted(expected(`c${n}`), true, 0)
  expect(confirmations.mayRepeat(code('c1'), 10)).toBe(false)
  expect(confirmations.mayRepeat(code('new'), 10)).toBe(true)
  expect(confirmations.mayRepeat(code('c1'), confirmations.applyMs)).toBe(true)
})

test('what cannot be read now is read later', () => {
  const confirmations = new Confirmations()
  const sent = expected('a')
  confirmations.accepted(sent, true, 0)
  confirmations.postponed(sent, 5_000)
  expect(confirmations.due(5_000, 9)).toEqual([])
  expect(confirmations.due(5_000 + confirmations.applyMs, 9)).toEqual([sent])
})

test('one that the API keeps in another form is sent again twice, and then let be', () => {
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

test('a code whose request was never answered may be applied for as long as one that was accepted', () => {
  const confirmations = new Confirmations()
  const { code } = expected('a')
  confirmations.lost(code, 1_000)
  expect([confirmations.isRecent(code, 1_001), confirmations.isRecent(code, 6_001)]).toEqual([true, false])
})

test('the next look is that of the earliest, and no more are due at a time than asked for, the oldest first', () => {
  const confirmations = new Confirmations()
  expect(confirmations.nextAtMs()).toBeNull()
  const all = ['a', 'b', 'c'].map((of) => expected(of))
  for (const [at, one] of all.entries()) confirmations.accepted(one, true, at * 10)
  confirmations.postponed(all[0] ?? expected('a'), 100)
  expect([confirmations.nextAtMs(), confirmations.watched]).toEqual([5_010, 3])
  expect(confirmations.due(5_010, 9)).toEqual([all[1]])
  expect([confirmations.due(9_000, 2), confirmations.due(9_000, 0)]).toEqual([all.slice(0, 2), []])
})

test('one that was replaced is neither postponed nor seen', () => {
  const confirmations = new Confirmations()
  const [older, newer] = [expected('a', 'Old'), expected('a', 'New')]
  confirmations.accepted(older, true, 0)
  confirmations.accepted(newer, true, 10)
  confirmations.postponed(older, 100_000)
  confirmations.postponed(expected('b'), 100_000)
  expect([confirmations.nextAtMs(), confirmations.seen(expected('b'), true, 20)]).toEqual([5_010, 'nothing'])
})

test('one that is watched is watched from the start when it is accepted again, however late', () => {
  const confirmations = new Confirmations()
  confirmations.accepted(expected('a', 'Old'), true, 0)
  expect(confirmations.accepted(expected('a', 'New'), false, 1_000_000)).toBe('read back')
  expect([confirmations.watched, confirmations.nextAtMs()]).toEqual([1, 1_005_000])
})

test('each look is twice as long after the one before', () => {
  const confirmations = new Confirmations()
  const sent = expected('a')
  confirmations.accepted(sent, true, 0)
  confirmations.seen(sent, false, 5_000)
  expect(confirmations.nextAtMs()).toBe(5_000 + 10_000)
  confirmations.seen(sent, false, 15_000)
  expect(confirmations.nextAtMs()).toBe(15_000 + 20_000)
})

test('one that came in the end counts as sent for the first time when it is sent the next time', () => {
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

test('a code that was accepted is remembered while it counts, though many came since', () => {
  const confirmations = new Confirmations()
  confirmations.accepted(expected('a'), false, 0)
  for (let n = 0; n < 2_000; n++) confirmations.accepted(expected(`c${n}`), false, 1)
  expect([confirmations.isRecent(code('a'), 4_999), confirmations.isRecent(code('a'), 5_000)]).toEqual([true, false])
  expect([confirmations.isRecent(code('c1999'), 5_000), confirmations.isRecent(code('x'), 0)]).toEqual([true, false])
})

test('while few are watched a code may be sent again immediately', () => {
  const confirmations = new Confirmations()
  confirmations.accepted(expected('a'), false, 0)
  expect(confirmations.mayRepeat(code('a'), 1)).toBe(true)
})
