import { describe, expect, test } from 'vitest'
import { type FieldError, validatePatients } from '../../../../src/sandbox/api/patient/validation.ts'
import { validationErrorBody } from '../../../../src/sandbox/api/patient/validation-errors.ts'
import { jane } from '../../sandbox-client.ts'

function errorsOf(body: unknown, optional: ('gender' | 'birth_date')[] = []): readonly FieldError[] {
  const validation = validatePatients(body, optional)
  return validation.kind === 'invalid' ? validation.errors : []
}

function messagesFor(patient: object): string[] {
  return errorsOf({ patients: [patient] }).map((error) => error.message)
}

describe('the list', () => {
  test.each([
    ['an empty list', { patients: [] }, 'The patients field is required.'],
    ['no list', {}, 'The patients field is required.'],
    ['no object', [jane], 'The patients field is required.'],
    ['a list that is none', { patients: jane }, 'The patients field must be an array.'],
    [
      'more than a hundred',
      { patients: Array(101).fill(jane) },
      'The patients field must not have more than 100 items.',
    ],
  ])('%s is refused', (_, body, message) => {
    expect(errorsOf(body)).toEqual([{ index: null, path: 'patients', message }])
  })

  test('a hundred patients are accepted', () => {
    const patients = Array.from({ length: 100 }, (_, index) => ({ ...jane, code: `code-${index}` }))
    expect(validatePatients({ patients }).kind).toBe('valid')
  })

  test('every index of a code that is sent twice is named', () => {
    const other = { ...jane, code: 'other' }
    expect(errorsOf({ patients: [jane, other, jane] }).map((error) => error.path)).toEqual([
      'patients.0.code',
      'patients.2.code',
    ])
  })
})

describe('a patient', () => {
  test.each([
    [{ code: undefined }, 'The patients.0.code field is required.'],
    [{ code: '' }, 'The patients.0.code field is required.'],
    [{ code: 7 }, 'The patients.0.code field must be a string.'],
    [{ first_name: null }, 'The patients.0.first_name field is required.'],
    [{ last_name: 7 }, 'The patients.0.last_name field must be a string.'],
    [{ gender: undefined }, 'The patients.0.gender field is required.'],
    [{ gender: 'M' }, 'The selected patients.0.gender is invalid.'],
    [{ birth_date: undefined }, 'The patients.0.birth_date field is required.'],
    [{ birth_date: '1980-1-1' }, 'The patients.0.birth_date field must match the format Y-m-d.'],
    [{ birth_date: '1981-02-29' }, 'The patients.0.birth_date field must match the format Y-m-d.'],
    [{ birth_date: '1980-04-31' }, 'The patients.0.birth_date field must match the format Y-m-d.'],
    [{ birth_date: '1980-13-01' }, 'The patients.0.birth_date field must match the format Y-m-d.'],
    [{ email: [] }, 'The patients.0.email field must be a string.'],
    [{ plan: true }, 'The patients.0.plan field must be a string.'],
    [{ locale: 'fr' }, 'The selected patients.0.locale is invalid.'],
    [{ meta: 'text' }, 'The patients.0.meta field must be an array.'],
  ])('with %j is refused', (change, message) => {
    expect(messagesFor({ ...jane, ...change })).toEqual([message])
  })

  test.each([
    [{ last_name: null, email: '', plan: 'premium' }],
    [{ birth_date: '1980-02-29' }],
    [{ birth_date: '1980-12-31' }],
    [{ tax_id: 'X1', phone: '+34 600', locale: 'pt', meta: { ward: 3 } }],
  ])('with %j is accepted', (change) => {
    expect(messagesFor({ ...jane, ...change })).toEqual([])
  })

  test('is read with null for blank attributes, and without missing ones', () => {
    const validation = validatePatients({ patients: [{ ...jane, last_name: '', email: null, plan: '' }] })
    expect(validation).toEqual({ kind: 'valid', patients: [{ ...jane, last_name: null, email: null, plan: null }] })
  })

  test('needs no gender and no birth date if these are optional', () => {
    const { gender: _, birth_date: __, ...bare } = jane
    expect(errorsOf({ patients: [bare] }, ['gender', 'birth_date'])).toEqual([])
    expect(errorsOf({ patients: [bare] })).toHaveLength(2)
  })

  test('that is not an object lacks everything', () => {
    expect(errorsOf({ patients: [null] }).map((error) => error.path)).toEqual([
      'patients.0.code',
      'patients.0.first_name',
      'patients.0.gender',
      'patients.0.birth_date',
    ])
  })
})

describe('a 422', () => {
  const errors = errorsOf({
    patients: [jane, { ...jane, code: 'two', gender: 'x', birth_date: 'y' }, { ...jane, code: 'three', gender: 'x' }],
  })
  const second = {
    'patients.1.gender': ['The selected patients.1.gender is invalid.'],
    'patients.1.birth_date': ['The patients.1.birth_date field must match the format Y-m-d.'],
  }

  test('names every bad patient', () => {
    expect(validationErrorBody(errors, 'errors')).toEqual({
      message: 'The given data was invalid.',
      errors: { ...second, 'patients.2.gender': ['The selected patients.2.gender is invalid.'] },
    })
  })

  test('names only the first bad one', () => {
    expect(validationErrorBody(errors, 'first error only')).toEqual({
      message: 'The given data was invalid.',
      errors: second,
    })
  })

  test('names it in its message', () => {
    expect(validationErrorBody(errors, 'message only')).toEqual({
      message: 'The selected patients.1.gender is invalid.',
    })
  })

  test('gives no hint', () => {
    expect(validationErrorBody(errors, 'no hint')).toEqual({ message: 'The given data was invalid.' })
  })
})
