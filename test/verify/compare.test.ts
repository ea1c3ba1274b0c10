import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileMapping } from '../../src/mapping/compile.ts'
import { ExactNumber } from '../../src/model/json/exact-number.ts'
import { jsonText } from '../../src/model/json/json-text.ts'
import { parseExactly } from '../../src/model/json/parse-exactly.ts'
import { type Patient, patientCode } from '../../src/model/patient/patient.ts'
import { applyPatient } from '../../src/sandbox/api/patient/patient-store.ts'
import { validatePatients } from '../../src/sandbox/api/patient/validation.ts'
import { differingAttributes, type FoundAttributes } from '../../src/verify/compare.ts'
import { columns, requiredAttributes, rowOf, wholeMapping } from '../mapping/sources.ts'

const sent: Patient = { code: patientCode('7'), first_name: 'Ana', birth_date: '1980-02-01', plan: 'premium' }
const found = { ...sent, last_name: null, email: 'ana@example.com', unsubscribed_at: null }

type Changes = Partial<Omit<Patient, 'plan'>> & { readonly plan?: string | undefined }

const cases: [string, Changes, FoundAttributes, string[]][] = [
  ['the same', {}, {}, []],
  ['the code in another spelling', {}, { code: ' 7\t' }, []],
  ['another text', { first_name: 'Eva' }, {}, ['first_name']],
  ['spaces around a text', { first_name: ' Ana' }, { first_name: 'Ana ' }, []],
  ['spaces within a text', { first_name: 'A na' }, {}, ['first_name']],
  ['null for what is absent', { phone: null }, {}, []],
  ['null for an empty text', { email: null }, { email: '' }, []],
  ['null for a value', { email: null }, {}, ['email']],
  ['a value for null', { last_name: 'Doe' }, {}, ['last_name']],
  ['what is not sent', {}, { email: 'eva@example.com', tax_id: '1' }, []],
  ['a day with a time', {}, { birth_date: '1980-02-01T00:00:00.000000Z' }, []],
  ['a day with a time, as dates are documented', {}, { birth_date: '1980-02-01 00:00:00+0000' }, []],
  ['another day', {}, { birth_date: '1980-02-02' }, ['birth_date']],
  ['a day that is none', {}, { birth_date: '1980-02-011' }, ['birth_date']],
  ['another plan', {}, { plan: 'basic' }, ['plan']],
  ['unsubscribed with a plan', {}, { plan: null, unsubscribed_at: '2000-01-01' }, ['plan', 'unsubscribed_at']],
  ['subscribed again, with the date of the earlier end', {}, { unsubscribed_at: '2000-01-01' }, []],
  ['subscribed without a plan', { plan: undefined }, {}, ['unsubscribed_at']],
  ['unsubscribed, whatever the old plan', { plan: undefined }, { unsubscribed_at: '2000-01-01' }, []],
  ['the default locale for none', { locale: null }, { locale: 'es' }, []],
  ['another locale', { locale: null }, { locale: 'de' }, ['locale']],
  ['keys in another order', { meta: { a: 1, b: [{ c: 1, d: 2 }] } }, { meta: { b: [{ d: 2, c: 1 }], a: 1 } }, []],
  ['items in another order', { meta: { a: [1, 2] } }, { meta: { a: [2, 1] } }, ['meta']],
  ['an empty object, which comes back as a list', { meta: { a: {} } }, { meta: { a: [] } }, []],
  ['an object and a list of pairs', { meta: { a: { b: 1 } } }, { meta: { a: [['b', 1]] } }, ['meta']],
  ['a number and its text', { meta: { a: 1 } }, { meta: { a: '1' } }, ['meta']],
  [
    'the same digits',
    { meta: { a: exact('12345678901234567890') } },
    { meta: { a: exact('12345678901234567890') } },
    [],
  ],
  [
    'other last digits',
    { meta: { a: exact('12345678901234567890') } },
    { meta: { a: 12345678901234567000 } },
    ['meta'],
  ],
  ['a rounded fraction', { meta: { a: exact('0.1000000000000000055') } }, { meta: { a: 0.1 } }, ['meta']],
  ['another notation of a number', { meta: { a: exact('1.10'), b: exact('-0') } }, { meta: { a: 1.1, b: 0 } }, []],
  ['a large number and its text', { meta: { a: exact('1e400') } }, { meta: { a: '1e400' } }, ['meta']],
  ['a key that objects have', { meta: JSON.parse('{"__proto__":{"a":1}}') }, { meta: { a: 1 } }, ['meta']],
]

function exact(digits: string): ExactNumber {
  return new ExactNumber(digits)
}

test.each(cases)('%s', (_, changes, answer, expected) => {
  const { plan, ...patient } = { ...sent, ...changes }
  expect(differingAttributes({ ...patient, ...(plan && { plan }) }, { ...found, ...answer })).toEqual(expected)
})

const mapping = compileMapping(wholeMapping, { columns, requiredAttributes })
const blankOr = (values: fc.Arbitrary<string>) => fc.option(values, { nil: null })
const name = fc.string({ unit: 'grapheme', minLength: 1 })
const row = fc
  .record({
    given: name,
    family: blankOr(name),
    sex: fc.constantFrom('male', 'female'),
    dob: fc.constantFrom('1980-02-01', '2000-12-31 23:59:59+00'),
    mail: blankOr(name),
    tier: blankOr(name),
    tax: blankOr(name),
    tel: blankOr(name),
    lang: blankOr(fc.constantFrom('de', 'en', 'es', 'pt')),
    extra: blankOr(fc.dictionary(name, fc.jsonValue()).map((object) => JSON.stringify(object))),
  })
  .map(rowOf)

/** Returns the answer of the API after it has accepted a patient, given the earlier one. */
function stored(patient: Patient, before: Patient | null): FoundAttributes {
  const [first, last] = (before ? [before, patient] : [patient]).map((one) => {
    const validation = validatePatients(parseExactly(jsonText({ patients: [one] })))
    if (validation.kind === 'invalid') throw new Error(JSON.stringify(validation.errors))
    return validation.patients[0]
  })
  if (!first) throw new Error('nothing was sent')
  const made = applyPatient(undefined, first, '2000-01-01')
  const answer = parseExactly(jsonText(last ? applyPatient(made, last, '2000-01-02') : made))
  return Object.fromEntries(Object.entries(answer ?? {}))
}

const patients = row.map((values) => mapping.map(values)).filter((mapped) => mapped.kind === 'patient')

test('any patient equals its stored form', () => {
  fc.assert(
    fc.property(patients, fc.option(patients), ({ patient }, before) => {
      expect(differingAttributes(patient, stored(patient, before?.patient ?? null))).toEqual([])
    }),
  )
})

test('the stored form of another patient differs, unless both are sent alike', () => {
  fc.assert(
    fc.property(patients, patients, ({ patient }, { patient: other }) => {
      const differing = differingAttributes(patient, stored(other, null))
      if (patient.first_name.trim() !== other.first_name.trim()) expect(differing).toContain('first_name')
      if (patient.gender !== other.gender) expect(differing).toContain('gender')
      if (patient.birth_date !== other.birth_date) expect(differing).toContain('birth_date')
      if (!patient.plan !== !other.plan) expect(differing).toContain('unsubscribed_at')
    }),
  )
})
