import { describe, expect, test } from 'vitest'
import { isAsSent } from '../../src/mediquo/as-sent.ts'
import { patient } from '../pending/rows.ts'

const sent = { ...patient('a'), email: null, meta: { room: 4, ward: { b: 1, a: [1, 2] } } }
const stored = {
  code: 'a',
  first_name: ' Jane ',
  last_name: null,
  gender: 'female',
  birth_date: '1980-01-01',
  plan: 'premium',
  meta: { ward: { a: [1, 2], b: 1 }, room: 4 },
  created_at: '2026-01-01 00:00:00',
  unsubscribed_at: null,
}

describe('what the API answers is what was sent', () => {
  test('whatever is blank, trimmed, in another order or not sent at all', () => {
    expect(isAsSent(sent, stored)).toBe(true)
    expect(isAsSent(sent, { ...stored, email: '' })).toBe(true)
    expect(isAsSent(sent, { ...stored, last_name: 'Doe' })).toBe(true)
  })

  test.each([
    ['a name', { first_name: 'June' }],
    ['a value that was cleared', { email: 'j@example.org' }],
    ['another plan', { plan: 'basic' }],
    ['no plan', { plan: null }],
    ['unsubscribed', { unsubscribed_at: '2026-01-01' }],
    ['other meta', { meta: { room: 5, ward: { b: 1, a: [1, 2] } } }],
  ])('not with %s', (_, change) => {
    expect(isAsSent(sent, { ...stored, ...change })).toBe(false)
  })

  test('a patient without a plan is unsubscribed', () => {
    const { plan: _, ...ended } = sent
    expect(isAsSent(ended, stored)).toBe(false)
    expect(isAsSent(ended, { ...stored, unsubscribed_at: '2026-01-01' })).toBe(true)
  })
})
