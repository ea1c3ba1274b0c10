import { describe, expect, test } from 'vitest'
import { testSandbox } from '../sandbox/sandbox-client.ts'
import { expectBothEndsEqual } from '../support/both-ends.ts'
import { startConnector } from '../support/connector.ts'
import { rewritingFront } from '../support/network/rewriting-front.ts'

const config = { source: { onDelete: 'unsubscribe' } }
const insert = (code: string, meta: string | null = null) =>
  `insert into patients (code, plan, email, meta) values ('${code}', 'premium', '${code}@example.org', ${meta === null ? 'null' : `'${meta}'`});`

// Slow: a code is unsubscribed only 5 s after the API accepted a version of it, since that may not be applied yet.
describe.concurrent('the record of a code to unsubscribe', () => {
  type Shown = Readonly<Record<string, unknown>>
  test.each<[string, (patient: Shown) => Shown, string | null]>([
    [
      'a birth date with a time of day',
      (patient) => ({ ...patient, birth_date: `${patient.birth_date} 00:00:00` }),
      null,
    ],
    ['a birth date in ISO 8601', (one) => ({ ...one, birth_date: `${one.birth_date}T00:00:00.000000Z` }), null],
    ['an empty object as PHP writes it', (patient) => ({ ...patient, meta: [] }), '{}'],
    ['an object as text', (patient) => ({ ...patient, meta: JSON.stringify(patient.meta) }), '{"a": "b"}'],
    ['attributes that are not documented', (patient) => ({ ...patient, id: 7, age: 44, name: 'Jane' }), null],
    ['a number for a text', (patient) => ({ ...patient, phone: 600 }), null],
    [
      'the date of an earlier end, kept after it was subscribed again',
      (patient) => ({ ...patient, unsubscribed_at: patient.unsubscribed_at ?? '2020-01-01 10:00:00+0000' }),
      null,
    ],
  ])('is in the form of the Patient schema, though the API shows %s', async (_, rewritten, meta) => {
    await using sandbox = await testSandbox()
    await using front = await rewritingFront(sandbox, { shown: rewritten })
    const environment = { MEDIQUO_BASE_URL: front.baseUrl }
    await using connector = await startConnector({ sandbox, environment, config })
    const { database } = connector
    await database.query(insert('jane', meta) + insert('john'))
    const before = await connector.whenPatient('jane')
    await database.query(`delete from patients where code = 'jane'`)
    await database.query(`update patients set first_name = 'Jack' where code = 'john'`)
    const ended = await connector.whenPatient('jane', ({ unsubscribed_at }) => unsubscribed_at !== null)
    await connector.whenSettled()
    const { first_name, birth_date, email, meta: kept } = before
    expect(ended).toMatchObject({ first_name, birth_date, email, plan: null, ...(kept && { meta: kept }) })
    expect((await connector.status()).deadLetters).toBe(0)
    await expectBothEndsEqual(connector)
  })
})
