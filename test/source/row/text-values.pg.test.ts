import { expect, onTestFinished, test, vi } from 'vitest'
import { rowKey } from '../../../src/model/source/row.ts'
import { startConnector } from '../../support/connector.ts'
import { publish } from '../../support/postgres/library-stream.ts'
import { testDatabase } from '../../support/postgres.ts'
import { openStream } from '../stream/open-stream.ts'
import { makeContrary, openTable } from '../table/open-table.ts'

const columns = { code: 'text', born: 'date', seen: 'timestamptz', stay: 'interval', photo: 'bytea', share: 'float8' }
const values = {
  code: 'jane',
  born: '1980-02-01',
  seen: '2024-03-31 00:30:00+00',
  stay: '1 year 2 mons 3 days 04:05:06',
  photo: '\\xdeadbeef',
  share: '0.30000000000000004',
}
const schema = `create table patients (${Object.entries(columns)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ')}, primary key (code));`

async function contraryDatabase() {
  const database = await testDatabase({ schema })
  await publish(database)
  await makeContrary(database)
  return database
}

const insert = `insert into patients values ($1, $2, $3, $4, $5, $6)`
const environmentOptions = '-c datestyle=German -c timezone=Asia/Tokyo'

test('the stream brings the same text with any settings of the database and the environment', async () => {
  await using database = await contraryDatabase()
  await using stream = await openStream(database, { environmentOptions })
  await database.query(insert, Object.values(values))
  const change = await stream.whenChange(({ operation }) => operation === 'insert')

  expect('row' in change && Object.fromEntries(change.row)).toEqual(values)
})

test('a table read brings the same text as the stream', async () => {
  await using database = await contraryDatabase()
  await using table = await openTable(database, { environmentOptions })
  await database.query(insert, Object.values(values))
  const key = rowKey(new Map(Object.entries(values)), ['code'])
  const reads = [await table.reader.byKey([key]), await table.reader.page({ after: null, limit: 10 })]

  for (const { rows } of reads) expect(Object.fromEntries(rows.get(key) ?? [])).toEqual(values)
})

test('dates arrive as text in any time zone of the process: no day is lost, and infinity and BC are unchanged', async () => {
  vi.stubEnv('TZ', 'Europe/Madrid')
  onTestFinished(() => void vi.unstubAllEnvs())
  await using database = await testDatabase({ schema })
  await publish(database)
  await using stream = await openStream(database)
  const dates = ['1980-01-01', 'infinity', '0044-03-15 BC']
  for (const [at, date] of dates.entries()) {
    await database.query('insert into patients (code, born) values ($1, $2)', [String(at), date])
  }
  await stream.whenChange((change) => 'row' in change && change.row.get('code') === '2')

  expect(stream.of('change').map(({ change }) => 'row' in change && change.row.get('born'))).toEqual(dates)
})

test('a birth date reaches the API as it was entered, from a server with another date style and another time zone', async () => {
  vi.stubEnv('TZ', 'America/Los_Angeles')
  onTestFinished(() => void vi.unstubAllEnvs())
  await using database = await testDatabase({
    schema: `create table patients (code text primary key, first_name text, gender text, birth_date date, plan text)`,
  })
  await makeContrary(database)
  await using connector = await startConnector({ database })
  await database.query(`insert into patients values ('jane', 'Jane', 'female', '1980-02-01'::date)`)

  expect((await connector.whenPatient('jane')).birth_date).toBe('1980-02-01')
})
