import { expect, test } from 'vitest'
import { defaultKeys } from '../../../src/sandbox/sandbox-state.ts'
import { whenBackfilled } from '../../backfill/asking.ts'
import { runCommand } from '../../cli/run-command.ts'
import { put } from '../../sandbox/sandbox-client.ts'
import { patientsTable, type RunningConnector, startConnector } from '../../support/connector.ts'

const numbers = {
  jsonb: '{"card": 12345678901234567890, "dose": 0.1000000000000000055, "__proto__": {"price": 1.10}}',
  json: '{"card":12345678901234567890,"far":1e400,"zero":-0,"twice":1.10,"twice":2.50}',
}

/** Returns the `meta` of each patient in the table and at mediQuo, as PostgreSQL writes the same JSON: with the digits of every number. */
async function bothEnds({ database, sandbox }: RunningConnector, codes: readonly string[]) {
  const atMediquo = await Promise.all(
    codes.map(async (code) => {
      const headers = { 'x-api-key': defaultKeys.apiKey, 'x-secret-key': defaultKeys.secretKey }
      const answer = await fetch(`${sandbox.baseUrl}/patients/${code}`, { headers })
      return [code, await answer.text()]
    }),
  )
  const sql = `select code, (body::jsonb->'meta')::text as meta from unnest($1::text[], $2::text[]) as at(code, body) order by code`
  const found = await database.query(sql, [atMediquo.map(([code]) => code), atMediquo.map(([, body]) => body)])
  const rows = await database.query(`select code, meta::jsonb::text as meta from patients order by code`)
  return { found, rows }
}

// Slow: a code is unsubscribed only after 5 s, and verify compares a row that differs again for 6 s.
test.concurrent.each(['jsonb', 'json'] as const)(
  'the digits of numbers in %s are the same at both ends, from a backfill and from the stream',
  async (type) => {
    const insert = (code: string) =>
      `insert into patients (code, plan, meta) values ('${code}', 'premium', '${numbers[type]}');`
    await using connector = await startConnector({
      schema: `${patientsTable} alter table patients alter meta type ${type}; ${insert('early')}`,
      config: { source: { backfill: 'initial', onDelete: 'unsubscribe' } },
    })
    const { database, sandbox } = connector
    await whenBackfilled(connector)
    await database.query(insert('late'))
    await connector.whenPatient('late')
    const equal = await bothEnds(connector, ['early', 'late'])
    expect(equal.found).toEqual(equal.rows)
    expect(equal.found[0]?.meta).toContain('12345678901234567890')

    await database.query(`update patients set meta = replace(meta::text, '890,', '891,')::${type} where code = 'late'`)
    await connector.whenSettled()
    const later = await bothEnds(connector, ['early', 'late'])
    expect(later.found).toEqual(later.rows)
    expect(later.found[1]?.meta).toContain('12345678901234567891')

    const sent = later.found[0]?.meta
    await database.query(`delete from patients where code = 'early'`)
    await connector.whenPatient('early', ({ unsubscribed_at }) => unsubscribed_at !== null)
    const ended = await bothEnds(connector, ['early'])
    expect(ended.found).toEqual([{ code: 'early', meta: sent }])

    const { apiKey, secretKey } = defaultKeys
    const environment = { MEDIQUO_BASE_URL: sandbox.baseUrl, MEDIQUO_API_KEY: apiKey, MEDIQUO_SECRET_KEY: secretKey }
    const verify = () => runCommand(['verify', '--all', '--json'], { database }, environment)
    expect(JSON.parse((await verify()).text)).toMatchObject({ same: 1, different: 0 })
    const { first_name, gender, birth_date, plan } = sandbox.patients().get('late') ?? {}
    const rounded = JSON.parse(later.found[1]?.meta ?? '')
    await put(sandbox, [{ code: 'late', first_name, gender, birth_date, plan, meta: rounded }])
    expect(JSON.parse((await verify()).text)).toMatchObject({ rows: [{ code: 'late', attributes: ['meta'] }] })
  },
)
