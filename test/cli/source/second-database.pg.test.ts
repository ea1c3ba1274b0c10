import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { workspace } from '../../config/loading.ts'
import { ownServer } from '../../support/own-server.ts'
import { newClient } from '../../support/postgres/connections.ts'
import { runProgram } from '../run-command.ts'

// Slot names belong to the whole server: the second database that is connected finds the name of the first one in use.
test('a second database of a server gets a slot with its own name, and setup explains why the default name is not available', async () => {
  await using server = await ownServer({ wal_level: 'logical' })
  const ask = async (database: string, sql: string) => {
    const client = newClient(server.url(database))
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
  await ask('postgres', 'create database "Clínica-B"')
  await ask('postgres', `select pg_create_logical_replication_slot('mediquo_cdc', 'pgoutput')`)
  await ask(
    'Clínica-B',
    'create table patients (id int primary key, code text not null, first_name text, gender text, birth_date date, plan text)',
  )
  using folder = workspace({})
  const run = (...args: string[]) =>
    runProgram(args, { cwd: folder.cwd, env: { DATABASE_URL: server.url('Clínica-B') } })

  await expect(run('setup', '--apply')).rejects.toThrow(/in database postgres: set source\.slot to a name of its own/)
  expect((await run('init')).text).toContain('slot mediquo_cdc_cl_nica_b: the usual name is taken')
  const written = parse(readFileSync(join(folder.cwd, 'config/mediquo-cdc.yaml'), 'utf8')) as {
    source: { slot: string }
  }
  expect(written.source.slot).toBe('mediquo_cdc_cl_nica_b')
  expect(await run('setup', '--apply')).toMatchObject({ status: 0 })
  expect(await ask('postgres', 'select slot_name, database from pg_replication_slots order by 1')).toEqual([
    { slot_name: 'mediquo_cdc', database: 'postgres' },
    { slot_name: 'mediquo_cdc_cl_nica_b', database: 'Clínica-B' },
  ])
})
