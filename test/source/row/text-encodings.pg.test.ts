import { describe, expect, test } from 'vitest'
import { patientsTable, startConnector } from '../../support/connector.ts'
import { testDatabase } from '../../support/postgres.ts'
import { until } from '../../support/until.ts'

const config = { source: { backfill: 'initial' } }

describe.concurrent('texts of a database', () => {
  test.each([
    ['LATIN1', 'Ñandú Ölçer'],
    ['WIN1252', 'Žofie “€”'],
    ['EUC_JP', '山田 太郎'],
    ['UTF8', '👩‍👩‍👧 e\u0301 \u0001\u007f\u2028 \u{10ffff}'],
  ])('of encoding %s arrive unchanged, from the table and from the stream', async (encoding, name) => {
    await using database = await testDatabase({ encoding, schema: patientsTable })
    await database.query(`insert into patients (code, first_name) values ('read', $1)`, [name])
    await using connector = await startConnector({ database, config })
    await database.query(`insert into patients (code, first_name) values ('streamed', $1)`, [name])
    for (const code of ['read', 'streamed']) await connector.whenPatient(code, ({ first_name }) => first_name === name)
  })

  test('of an unknown encoding are refused before anything is streamed', async () => {
    await using database = await testDatabase({ encoding: 'SQL_ASCII', schema: patientsTable })
    await expect(startConnector({ database, config })).rejects.toThrow('the database is SQL_ASCII')
    expect(await database.query('select from pg_publication')).toEqual([])
  })
})

describe('a megabyte of text', () => {
  test('is sent in small batches, and can change again', async () => {
    await using connector = await startConnector({ schema: patientsTable, config })
    const { database, sandbox } = connector
    const rows = 30
    const insert = `insert into patients (code, meta) select 'p' || i, jsonb_build_object('note', string_agg(md5(i::text || j), ''))
      from generate_series(1, ${rows}) i, generate_series(1, 32768) j group by i`
    await database.query(insert)
    await until(() => sandbox.patients().size === rows, { deadlineMs: 60_000 })
    await database.query(`update patients set first_name = 'Other', meta = meta || '{"more": 1}'`)
    const [sum] = await database.query('select sum(length(meta::text)) as length from patients')
    await until(() => [...sandbox.patients().values()].every(({ first_name }) => first_name === 'Other'), {
      deadlineMs: 60_000,
    })
    const lengths = [...sandbox.patients().values()].map(({ meta }) => String((meta as { note: string }).note).length)
    expect(new Set(lengths)).toEqual(new Set([1_048_576]))
    expect(Number(sum?.length)).toBeGreaterThan(rows * 1_048_576)
    const puts = sandbox.requests.filter(({ method }) => method === 'PUT')
    expect(puts.every(({ status, codes }) => status === 200 && codes.length <= 5)).toBe(true)
    expect(puts.length).toBeGreaterThanOrEqual(rows / 5)
  }, 120_000)
})
