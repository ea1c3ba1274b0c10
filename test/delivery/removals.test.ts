import { describe, expect, test } from 'vitest'
import { isUnsubscribed, recordToUnsubscribe } from '../../src/delivery/removals.ts'
import { attributes } from '../../src/model/patient/patient.ts'
import { code } from '../pending/rows.ts'

describe('the patient to unsubscribe a code with', () => {
  test('has every attribute that the API has of it, because a missing one would be cleared', () => {
    const held = {
      ...{ first_name: 'Jane', last_name: null, gender: 'female', birth_date: '1980-01-01', email: 'jane@example.org' },
      ...{ tax_id: 'X1', phone: '+34 600', locale: 'es', meta: { clinic: 'north' } },
    }
    const ours = { code: 'a', plan: 'premium', unsubscribed_at: null, created_at: '2024-01-01' }
    expect(recordToUnsubscribe(code('a'), { ...held, ...ours })).toEqual({ code: 'a', ...held })
  })

  test('has every attribute of a patient except the plan', () => {
    const held = Object.fromEntries(attributes.map((attribute) => [attribute, `its ${attribute}`]))
    const record = recordToUnsubscribe(code('a'), held)
    expect(Object.keys(record ?? {}).toSorted()).toEqual(attributes.filter((name) => name !== 'plan').toSorted())
  })

  test('has no other attributes', () => {
    const attributes = { code: 'a', first_name: 'Jane', email: null }
    expect(recordToUnsubscribe(code('a'), attributes)).toEqual({ code: 'a', first_name: 'Jane', email: null })
  })

  test.each<[string, Readonly<Record<string, unknown>>]>([
    ['has unsubscribed it', { code: 'a', first_name: 'Jane', unsubscribed_at: '2024-01-01T00:00:00Z' }],
    ['has no patient of it that could be sent', { code: 'a', first_name: null }],
  ])('is none if the API %s', (_, attributes) => {
    expect(recordToUnsubscribe(code('a'), attributes)).toBeNull()
  })
})

test('counts as unsubscribed if the API gives the time', () => {
  expect(isUnsubscribed({ unsubscribed_at: '2024-01-01T00:00:00Z' })).toBe(true)
  expect([isUnsubscribed({ unsubscribed_at: null }), isUnsubscribed({})]).toEqual([false, false])
})
