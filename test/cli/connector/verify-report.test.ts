import { expect, test } from 'vitest'
import { VerifyReport } from '../../../src/cli/connector/verify-report.ts'
import { patientCode } from '../../../src/model/patient/patient.ts'

test('fits a row with every attribute different into 80 columns, in the colour of its result', () => {
  const printed: string[] = []
  const report = new VerifyReport(
    { kind: 'all' },
    (line) => void printed.push(line),
    (meaning, text) => `<${meaning}>${text}`,
  )
  const attributes = ['first_name', 'last_name', 'gender', 'birth_date', 'email', 'plan', 'phone', 'meta'] as const
  report.add([{ kind: 'different', code: patientCode('H-1'), attributes }])
  report.add([{ kind: 'pending', code: patientCode('H-2'), attributes: [] }])
  report.end({ isComplete: true, repair: null, isStarted: true })
  const [first = '', ...rest] = printed.join('\n').split('\n')
  expect(first).toMatch(/^<bad>different {6}H-1 {2}first_name, /)
  expect(rest).toContainEqual(expect.stringMatching(/^<doubtful>pending {8}H-2$/))
  expect(
    printed
      .join('\n')
      .replaceAll(/<\w+>/g, '')
      .split('\n')
      .filter((line) => line.length > 80),
  ).toEqual([])
  for (const attribute of attributes) expect(printed.join('\n')).toContain(attribute)
})

test('offers no repair before the first run', () => {
  const printed: string[] = []
  const report = new VerifyReport({ kind: 'all' }, (line) => void printed.push(line))
  report.add([{ kind: 'missing', code: patientCode('H-1') }])
  report.end({ isComplete: true, repair: null, isStarted: false })
  expect(printed.at(-1)).toMatch(/its first run sends every row$/)
  expect(printed.join('\n')).not.toContain('--repair')
})
