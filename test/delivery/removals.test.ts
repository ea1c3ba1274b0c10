import { describe, expect, test } from 'vitest'
import { findRemoval, isUnsubscribed, type ReadBack } from '../../src/delivery/removals.ts'
import { code, key, patient } from '../pending/rows.ts'

/** What becomes of code a, and which questions it took. */
async function removalOf({
  isHeld = false,
  known = false,
  found = { kind: 'absent' },
}: {
  readonly isHeld?: boolean
  readonly known?: boolean
  readonly found?: ReadBack
}) {
  const asked: string[] = []
  const ending = { key: key('1'), code: code('a'), patient: known ? patient('a', 'Old') : null }
  const end = await findRemoval(ending, {
    isHeld: async (of, row) => {
      asked.push(`held ${of} ${row}`)
      return isHeld
    },
    get: async (of) => {
      asked.push(`get ${of}`)
      return found
    },
  })
  return { end, asked }
}
const record = (attributes: Readonly<Record<string, unknown>>): ReadBack => ({ kind: 'patient', attributes })

describe('a code that is to end', () => {
  test('is left to another row that has it by now, whatever is known of it', async () => {
    expect(await removalOf({ isHeld: true, known: true })).toEqual({ end: { kind: 'left' }, asked: ['held a ["1"]'] })
  })

  test('is sent with the full old row without a request, if that is known', async () => {
    expect(await removalOf({ known: true })).toEqual({
      end: { kind: 'send', patient: patient('a', 'Old') },
      asked: ['held a ["1"]'],
    })
  })

  test('is sent with all that the API has of it that a patient may hold, for what is left out would be wiped', async () => {
    const held = {
      ...{ first_name: 'Jane', last_name: null, gender: 'female', birth_date: '1980-01-01', email: 'jane@example.org' },
      ...{ tax_id: 'X1', phone: '+34 600', locale: 'es', meta: { clinic: 'north' } },
    }
    const ours = { code: 'a', plan: 'premium', unsubscribed_at: null, created_at: '2024-01-01' }
    const { end, asked } = await removalOf({ found: record({ ...held, ...ours }) })
    expect(end).toEqual({ kind: 'send', patient: { code: 'a', ...held } })
    expect(asked).toEqual(['held a ["1"]', 'get a'])
  })

  test('is sent with no more than the API has of it', async () => {
    const { end } = await removalOf({ found: record({ code: 'a', first_name: 'Jane', email: null }) })
    expect(end).toEqual({ kind: 'send', patient: { code: 'a', first_name: 'Jane', email: null } })
  })

  test.each<[string, ReadBack]>([
    ['does not have it', { kind: 'absent' }],
    ['has unsubscribed it', record({ code: 'a', first_name: 'Jane', unsubscribed_at: '2024-01-01T00:00:00Z' })],
    ['has no patient of it that could be sent', record({ code: 'a', first_name: null })],
  ])('has ended already if the API %s', async (_, found) => {
    expect((await removalOf({ found })).end).toEqual({ kind: 'ended' })
  })

  test('is asked for again if the API cannot tell now', async () => {
    expect((await removalOf({ found: { kind: 'not now' } })).end).toBeUndefined()
  })
})

test('a patient is unsubscribed if the API says since when', () => {
  expect(isUnsubscribed({ unsubscribed_at: '2024-01-01T00:00:00Z' })).toBe(true)
  expect([isUnsubscribed({ unsubscribed_at: null }), isUnsubscribed({})]).toEqual([false, false])
})
