import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { listDeadLetters } from '../../../src/checkpoint/store/dead-letters.ts'
import { expectBothEndsEqual } from '../../support/both-ends.ts'
import { startConnector } from '../../support/connector.ts'
import { optionsDroppingPooler } from '../../support/network/options-dropping-pooler.ts'
import { testDatabase } from '../../support/postgres.ts'
import { open } from './store-scene.ts'

const table = `create table patients (
  key text primary key, code text not null, first_name text not null default 'Jane', last_name text,
  gender text not null default 'female', birth_date date not null default '1980-01-01', email text, plan text default 'premium');`
const config = { source: { onDelete: 'unsubscribe', backfill: 'initial' } }
const asPatients = `select code, first_name, last_name, gender, birth_date::text as birth_date, email, plan
  from patients where gender = 'female'`

/** Random text that neither compression nor an index makes shorter; in a key, each line break takes two bytes. */
const incompressible = (bytes: number) => randomBytes(bytes).toString('base64').slice(0, bytes)
const longest = incompressible(2_688)
const escaped = [...incompressible(1_600)]
  .map((text) => `${text}\n`)
  .join('')
  .slice(0, 2_600)

/** Inserts, changes, rejects and deletes a row with this key beside an ordinary one, and reads the table again after a restart. */
async function live(key: string, code: string, environment: Readonly<Record<string, string>> = {}, encoding = 'UTF8') {
  await using database = await testDatabase({ schema: table, encoding })
  const insert = (id: string, of: string) =>
    database.query('insert into patients (key, code) values ($1, $2)', [id, of])
  await insert(key, code)
  await insert('ordinary', 'ordinary')
  await using connector = await startConnector({ database, config, environment })
  const { sandbox } = connector
  await expectBothEndsEqual(connector, asPatients)
  await database.query(`update patients set first_name = 'Mary'`)
  await expectBothEndsEqual(connector, asPatients)
  await database.query(`update patients set gender = 'unknown' where key <> 'ordinary'`)
  await connector.whenSettled()
  expect((await connector.status()).problems.map((problem) => problem.code)).not.toContain('MQ3001')
  const stateUrl = environment.STATE_DATABASE_URL ?? database.url
  await using state = open(stateUrl)
  expect(await listDeadLetters(state.db, [code])).toMatchObject([{ key: JSON.stringify([key]), code }])
  await connector.stop()
  await database.query(`update patients set gender = 'female', last_name = 'Doe'`)
  await using again = await startConnector({ database, sandbox, config, environment })
  await expectBothEndsEqual(again, asPatients)
  await database.query(`delete from patients where key <> 'ordinary'; update patients set last_name = 'Roe'`)
  await expectBothEndsEqual(again, asPatients)
  expect(await listDeadLetters(state.db, null)).toEqual([])
}

// Several connectors run at a time, on a machine that may be busy.
describe.concurrent('a row beside others', { timeout: 120_000 }, () => {
  test.each([
    ['longer than an index of the state takes, once its line breaks are escaped', escaped],
    ['as long as an index of the state takes, in its form there', longest],
  ])('may have a key that is %s', async (_, key) => {
    await live(key, 'p1')
  })

  test.each(['LATIN1', 'SQL_ASCII'])(
    'may have a key and a code that the state of encoding %s lacks',
    async (encoding) => {
      await using other = await testDatabase({ encoding })
      await live('Ñandú € 日本 😀', 'código-日本-😀', { STATE_DATABASE_URL: other.url })
    },
  )

  test('may have what its own database of another encoding has', async () => {
    await live('Ñandú', 'código', {}, 'LATIN1')
  })
})

test('a state whose encoding of several bytes lacks characters of the source is refused', async () => {
  await using database = await testDatabase({ schema: table })
  await using other = await testDatabase({ encoding: 'EUC_JP' })
  await expect(
    startConnector({ database, config, environment: { STATE_DATABASE_URL: other.url } }),
  ).rejects.toMatchObject({ kind: 'check failed', message: expect.stringContaining('EUC_JP') })
})

test.each(['STATE_DATABASE_URL', 'DATABASE_URL'])(
  'a pooler that drops the settings of a session is refused: %s',
  async (name) => {
    await using database = await testDatabase({ schema: table })
    await using pooler = await optionsDroppingPooler(Number(new URL(database.url).port))
    const url = new URL(database.url)
    url.port = String(pooler.port)
    await expect(startConnector({ database, config, environment: { [name]: url.href } })).rejects.toMatchObject({
      message: expect.stringContaining('search_path'),
    })
    expect(
      await database.query(`select 1 from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`),
    ).toHaveLength(1)
  },
)
