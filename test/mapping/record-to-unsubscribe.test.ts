import { describe, expect, test } from 'vitest'
import { isUnsubscribed, recordToUnsubscribe } from '../../src/mapping/record-to-unsubscribe.ts'
import { ExactNumber } from '../../src/model/json/exact-number.ts'
import { code } from '../pending/rows.ts'

const jane = { code: 'a', first_name: 'Jane', plan: 'premium', unsubscribed_at: null }

describe('the patient to unsubscribe a code with', () => {
  test('has every attribute that the API has of it, because a missing one would be cleared', () => {
    const held = {
      ...{ first_name: 'Jane', last_name: null, gender: 'female', birth_date: '1980-01-01', email: 'jane@example.org' },
      ...{ tax_id: 'X1', phone: '+34 600', locale: 'es', meta: { clinic: 'north' } },
    }
    const ours = { code: 'a', plan: 'premium', unsubscribed_at: null, created_at: '2024-01-01' }
    expect(recordToUnsubscribe(code('a'), { ...held, ...ours })).toEqual({ code: 'a', ...held })
  })

  test('has no other attributes', () => {
    const attributes = { ...jane, email: null, id: 7, age: 44, full_name: 'Jane Doe', updated_at: '2024-01-01' }
    expect(recordToUnsubscribe(code('a'), attributes)).toEqual({ code: 'a', first_name: 'Jane', email: null })
  })

  test.each<[string, Readonly<Record<string, unknown>>, Readonly<Record<string, unknown>>]>([
    ['a birth date with a time of day', { birth_date: '1980-02-01 00:00:00' }, { birth_date: '1980-02-01' }],
    ['a birth date in ISO 8601', { birth_date: '1980-02-01T00:00:00.000000Z' }, { birth_date: '1980-02-01' }],
    ['a birth date of zeros', { birth_date: '0000-00-00' }, {}],
    ['a birth date in another order', { birth_date: '01/02/1980' }, {}],
    ['an empty list for an empty object', { meta: [] }, { meta: {} }],
    ['an object as text', { meta: '{"card":1.10}' }, { meta: { card: new ExactNumber('1.10') } }],
    ['an empty list as text', { meta: '[]' }, { meta: {} }],
    ['a list', { meta: ['north'] }, {}],
    ['an object with more than servers take', { meta: JSON.parse(`${'{"a":'.repeat(200)}1${'}'.repeat(200)}`) }, {}],
    ['a number for a text', { phone: 600, tax_id: new ExactNumber('12345678901234567890') }, longNumbers()],
    [
      'an empty text',
      { email: '', last_name: ' ', birth_date: '' },
      { email: null, last_name: null, birth_date: null },
    ],
    ['a gender in upper case', { gender: 'FEMALE' }, { gender: 'female' }],
    ['a gender that is sent by nobody', { gender: 'unknown' }, {}],
    ['a locale with a country', { locale: 'es_ES' }, {}],
    ['an object for a text', { phone: { number: '600' } }, {}],
  ])('is in the form of the Patient schema, though the API shows %s', (_, shown, expected) => {
    expect(recordToUnsubscribe(code('a'), { ...jane, ...shown })).toEqual({
      code: 'a',
      first_name: 'Jane',
      ...expected,
    })
  })

  test.each([[null], [undefined], [{}]])('has a blank name, which the API refuses, if the name is %j', (first_name) => {
    expect(recordToUnsubscribe(code('a'), { ...jane, first_name })).toEqual({ code: 'a', first_name: '' })
  })

  test.each(['a', 'A ', 7])('has the code as it is sent, though the API shows %j', (shown) => {
    expect(recordToUnsubscribe(code('A'), { ...jane, code: shown })).toEqual({ code: 'A', first_name: 'Jane' })
  })

  test('is none if the API has unsubscribed it', () => {
    expect(recordToUnsubscribe(code('a'), { ...jane, plan: null, unsubscribed_at: '2024-01-01' })).toBeNull()
  })
})

function longNumbers() {
  return { phone: '600', tax_id: '12345678901234567890' }
}

test.each([
  [true, { plan: null, unsubscribed_at: '2024-01-01 10:00:00+0000' }],
  [true, { plan: '', unsubscribed_at: '2024-01-01' }],
  [true, { unsubscribed_at: '2024-01-01' }],
  [false, { plan: 'premium', unsubscribed_at: '2020-01-01' }],
  [false, { plan: null, unsubscribed_at: null }],
  [false, { plan: null, unsubscribed_at: '' }],
  [false, {}],
])('counts as unsubscribed (%s) with %j', (expected, attributes) => {
  expect(isUnsubscribed(attributes)).toBe(expected)
})
