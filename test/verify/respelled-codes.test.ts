import { expect, test } from 'vitest'
import { patientCode } from '../../src/model/patient/patient.ts'
import { RespelledCodes } from '../../src/verify/respelled-codes.ts'

const seen = (...answers: readonly [sent: string, answered: unknown][]) => {
  const codes = new RespelledCodes()
  for (const [sent, answered] of answers) codes.seen(patientCode(sent), answered)
  return codes
}

test('none are found while each code comes back as it was sent', () => {
  expect(seen(['p1', 'p1'], ['7', 7]).found).toBeNull()
})

test('are counted once each, with the forms in which they differ', () => {
  const codes = seen(['P1', 'p1'], ['P1', 'p1'], ['p2  ', 'p2'], ['p3', 'p3'])
  expect(codes.found).toEqual({ codes: 2, differences: ['spaces', 'letter case'] })
  expect(codes.forms).toEqual([
    ['P1', 'p1'],
    ['p2  ', 'p2'],
  ])
})

test('end with an answer that has the code as it was sent', () => {
  expect(seen(['P1', 'p1'], ['P1', 'P1']).found).toBeNull()
})

test('do not contain the code of another patient, or what is no code', () => {
  expect(seen(['p1', 'p2'], ['p1', null], ['p1', { code: 'P1' }]).found).toBeNull()
})

test('have a bound', () => {
  const many = Array.from({ length: 2_000 }, (_, n): [string, string] => [`P${n}`, `p${n}`])
  expect(seen(...many).found?.codes).toBe(1_000)
})
