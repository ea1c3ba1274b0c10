import { expect, test } from 'vitest'
import type { PatientAnswer } from '../../src/mediquo/client.ts'
import { ReadFailures } from '../../src/mediquo/read-failures.ts'

const retry = (reason: string): PatientAnswer => ({
  kind: 'not now',
  outcome: { kind: 'retry', reason, inDoubt: false, status: null },
})
const timeout = retry('timeout')

/** Passes answers on at their seconds. @returns the reason at the end. */
function lasting(answers: readonly (readonly [second: number, answer: PatientAnswer])[], atSecond?: number) {
  let second = 0
  const failures = new ReadFailures(() => second * 1_000)
  for (const [at, answer] of answers) {
    second = at
    failures.answered(answer)
  }
  second = atSecond ?? second
  return failures.lasting
}

test('last once they have been repeated for a minute', () => {
  expect(lasting([[0, timeout]], 90)).toBeNull()
  const failed = [0, 30, 59].map((second) => [second, timeout] as const)
  expect(lasting(failed)).toBeNull()
  expect(lasting([...failed, [60, timeout]])).toBe('timeout')
})

test.each<PatientAnswer>([{ kind: 'absent' }, { kind: 'patient', attributes: {} }])(
  'end with one answer of the kind $kind',
  (answer) => {
    const failed = [0, 60].map((second) => [second, timeout] as const)
    expect(lasting([...failed, [61, answer]])).toBeNull()
    expect(lasting([...failed, [61, answer], [62, timeout], [121, timeout]])).toBeNull()
    expect(lasting([...failed, [61, answer], [62, timeout], [122, timeout]])).toBe('timeout')
  },
)

test.each<[PatientAnswer, string]>([
  [retry('status 500'), 'status 500'],
  [{ kind: 'not now', outcome: { kind: 'pause', ms: 60_000 } }, 'status 429'],
  [{ kind: 'not now', outcome: { kind: 'halt', reason: 'permission denied', status: 403 } }, 'status 403'],
])('have the reason of the last one: %j', (last, reason) => {
  expect(
    lasting([
      [0, timeout],
      [70, last],
    ]),
  ).toBe(reason)
})

test('are over if nothing is read any more', () => {
  const failed = [0, 60].map((second) => [second, timeout] as const)
  expect(lasting(failed, 360)).toBe('timeout')
  expect(lasting(failed, 361)).toBeNull()
  expect(lasting([...failed, [400, timeout]])).toBeNull()
})
